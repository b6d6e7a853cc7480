"""What surrounds the rows of each page: laid out once for all pages that differ in nothing but their number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weasyprint.formatting_structure.boxes import Box, TextBox

from gridkit_plugins.export.pdf.content import Row
from gridkit_plugins.export.pdf.layout import PageTemplate, box_of

_LAID_OUT_AT_ONCE = 50
"""Pages: an even number, so that left pages stay left."""
_SAMPLES = 4
_FEW_PAGES = 10
"""Pages of one digit are laid out: comparing as many costs the same."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """A text on a page that tells the page's number."""

    box: Any
    before: str
    after: str

    def fill(self, number: int) -> None:
        text = f"{self.before}{number}{self.after}"
        self.box.text = self.box.pango_layout.text = text


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A laid-out page, and where its number stands."""

    page: Any
    slots: tuple[_Slot, ...]


class Frames:
    """Gives pages that hold nothing but what surrounds the table.

    Two pages whose numbers have as many digits, both left or both right, are compared; when they differ in their
    number only, one is used for all such pages. A template that does more with its pages has each one laid out.

    Args:
        template: the site's template.
        model: a row for the table of the opening pages.
        pages: how many pages the file has.
        opening: pages up to the one on which the table begins.
    """

    def __init__(self, template: PageTemplate, model: Row, *, pages: int, opening: int) -> None:
        self._template = template
        self._model = model
        self._pages = pages
        self._opening = opening
        self._patterns: dict[tuple[int, int], _Pattern | None] = {}
        self._ready: dict[int, Any] = {}

    def page(self, number: int) -> Any:
        """Return a page, to be painted before the next one is asked for.

        Args:
            number: of the page, from 1.
        """
        if number < _FEW_PAGES:
            return self._laid_out(number)
        key = (len(str(number)), number % 2)
        if key not in self._patterns:
            self._learn(key[0])
        pattern = self._patterns[key]
        if pattern is None:
            return self._laid_out(number)
        for slot in pattern.slots:
            slot.fill(number)
        return pattern.page

    def _laid_out(self, number: int) -> Any:
        if number not in self._ready:
            last = min(self._pages, _FEW_PAGES - 1) if number < _FEW_PAGES else self._pages
            count = min(_LAID_OUT_AT_ONCE, last - number + 1)
            self._ready = dict(enumerate(self._lay_out(number, count), number))
        return self._ready.pop(number)

    def _learn(self, digits: int) -> None:
        """Compare pages with the lowest and the highest numbers of so many digits."""
        low = 10 ** (digits - 1)
        high = 10**digits - _SAMPLES
        lows, highs = self._lay_out(low, _SAMPLES), self._lay_out(high, _SAMPLES)
        for place, page in enumerate(lows[:2]):
            number = low + place
            other = next(one for one in range(high, high + _SAMPLES) if one % 2 == number % 2)
            self._patterns[digits, number % 2] = _pattern(page, number, highs[other - high], other)

    def _lay_out(self, first: int, count: int) -> list[Any]:
        return self._template.frames(self._model, pages=self._pages, first=first, count=count, opening=self._opening)


def _pattern(page: Any, number: int, other: Any, other_number: int) -> _Pattern | None:
    """Return where the number stands on a page, or None when another page differs in more than that."""
    ours, theirs = list(_boxes(box_of(page))), list(_boxes(box_of(other)))
    if len(ours) != len(theirs):
        return None
    slots: list[_Slot] = []
    for box, twin in zip(ours, theirs, strict=True):
        if _place(box) != _place(twin):
            return None
        if not isinstance(box, TextBox) or box.text == twin.text:
            continue
        slot = _slot(box, number, twin.text, other_number)
        if slot is None:
            return None
        slots.append(slot)
    return _Pattern(page, tuple(slots))


def _slot(box: TextBox, number: int, other_text: str, other_number: int) -> _Slot | None:
    """Return how a text is made of the page's number, or None when it isn't."""
    parts = box.text.split(str(number))
    for place in range(1, len(parts)):
        before, after = str(number).join(parts[:place]), str(number).join(parts[place:])
        if other_text == f"{before}{other_number}{after}":
            return _Slot(box, before, after)
    return None


def _place(box: Box) -> tuple[Any, ...]:
    measures = (getattr(box, name, None) for name in ("position_x", "position_y", "width", "height"))
    return type(box), *(round(one, 3) if isinstance(one, float) else one for one in measures)


def _boxes(box: Any) -> Iterator[Any]:
    yield box
    for child in getattr(box, "children", ()):
        yield from _boxes(child)
