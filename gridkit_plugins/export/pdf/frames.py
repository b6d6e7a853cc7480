"""What surrounds the rows of each page: laid out once for all pages that differ in nothing but their number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from weasyprint.formatting_structure.boxes import Box, TextBox

from gridkit_plugins.export.pdf.content import Row
from gridkit_plugins.export.pdf.layout import PageTemplate, box_of
from gridkit_plugins.export.pdf.painting import Painter
from gridkit_plugins.export.pdf.stencils import Slot, Stencil

_LAID_OUT_AT_ONCE = 50
_FEW_PAGES = 10
"""Pages of one digit are laid out: comparing as many costs the same."""


class Frames:
    """Paints pages that hold nothing but what surrounds the table.

    Two pages whose numbers have as many digits, both left or both right, are compared; when they differ in their
    number only, one is used for all such pages. A template that does more with its pages has each one laid out, and
    so has a page whose number is wider or narrower than the others.

    Args:
        template: the site's template.
        model: a row for the table of the opening pages.
        painter: of the file.
        pages: how many pages the file has.
        opening: pages up to the one on which the table begins.
        artifact: mark what is painted as saying nothing to a reader.
    """

    def __init__(
        self, template: PageTemplate, model: Row, painter: Painter, *, pages: int, opening: int, artifact: bool
    ) -> None:
        self._template = template
        self._model = model
        self._painter = painter
        self._pages = pages
        self._opening = opening
        self._artifact = artifact
        self._stencils: dict[tuple[int, int], Stencil] = {}
        self._ready: dict[int, Any] = {}
        self._learned = False

    def paint(self, number: int) -> tuple[Any, bytes]:
        """Paint a page and return it, and the reference of its content.

        Args:
            number: of the page, from 1.
        """
        if not self._learned:
            self._learn()
        stencil, content = self._stencilled(number)
        if stencil is not None and content is not None:
            return stencil.page, self._painter.put(content)
        page = self._laid_out(number)
        return page, self._painter.page(page, None, artifact=self._artifact)

    def _stencilled(self, number: int) -> tuple[Stencil | None, bytes | None]:
        stencil = self._stencils.get((len(str(number)), number % 2))
        return stencil, None if stencil is None else stencil.content(self._painter, number)

    def _laid_out(self, number: int) -> Any:
        if number not in self._ready:
            later = (one for one in range(number + 1, self._pages + 1) if self._stencilled(one)[1] is None)
            self._lay_out([number, *islice(later, _LAID_OUT_AT_ONCE - 1)])
        return self._ready.pop(number)

    def _lay_out(self, numbers: list[int]) -> None:
        frames = self._template.frames(self._model, numbers, pages=self._pages, opening=self._opening)
        self._ready = dict(zip(numbers, frames, strict=True))

    def _learn(self) -> None:
        """Lay out the first pages, and two of each kind to compare: with low numbers and with the highest ones."""
        self._learned = True
        first = self._opening + 1
        samples = [_samples(digits, first) for digits in range(2, len(str(self._pages)) + 1)]
        few = range(first, min(self._pages + 1, _FEW_PAGES))
        numbers = {*few, *(number for pairs in samples for pair in pairs for number in pair)}
        if not numbers:
            return
        self._lay_out(sorted(numbers))
        for pairs in samples:
            for low, high in pairs:
                slots = _slots(self._ready[low], low, self._ready[high], high)
                if slots is not None:
                    page = self._ready[low]
                    self._stencils[len(str(low)), low % 2] = Stencil(page, slots, (low, high), artifact=self._artifact)
        self._ready = {number: self._ready[number] for number in few}


def _samples(digits: int, first: int) -> list[tuple[int, int]]:
    """Return two numbers of even and two of odd pages, as far from each other as so many digits allow.

    Not 11: many fonts set its digits closer together.
    """
    low, high = max(10 ** (digits - 1), first), 10**digits - 2
    return [(one, high + one % 2) for one in (low, low + 3) if one < high]


def _slots(page: Any, number: int, other: Any, other_number: int) -> tuple[Slot, ...] | None:
    """Return where the number stands on a page, or None when another page differs in more than that."""
    ours, theirs = list(_boxes(box_of(page))), list(_boxes(box_of(other)))
    if len(ours) != len(theirs):
        return None
    slots: list[Slot] = []
    for box, twin in zip(ours, theirs, strict=True):
        if _place(box) != _place(twin):
            return None
        if not isinstance(box, TextBox) or box.text == twin.text:
            continue
        slot = _slot(box, number, twin.text, other_number)
        if slot is None:
            return None
        slots.append(slot)
    return tuple(slots)


def _slot(box: TextBox, number: int, other_text: str, other_number: int) -> Slot | None:
    """Return how a text is made of the page's number, or None when it isn't."""
    parts = box.text.split(str(number))
    for place in range(1, len(parts)):
        before, after = str(number).join(parts[:place]), str(number).join(parts[place:])
        if other_text == f"{before}{other_number}{after}":
            return Slot(box, before, after)
    return None


def _place(box: Box) -> tuple[Any, ...]:
    measures = (getattr(box, name, None) for name in ("position_x", "position_y", "width", "height"))
    return type(box), *(round(one, 3) if isinstance(one, float) else one for one in measures)


def _boxes(box: Any) -> Iterator[Any]:
    yield box
    for child in getattr(box, "children", ()):
        yield from _boxes(child)
