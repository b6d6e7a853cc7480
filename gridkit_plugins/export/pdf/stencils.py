"""A page that is painted once and shown with many numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gridkit_plugins.export.pdf.painting import Painter


@dataclass(frozen=True, slots=True)
class Slot:
    """A text on a page that tells the page's number.

    Attributes:
        box: of the text.
        before: what stands in it before the number.
        after: what stands in it after the number.
    """

    box: Any
    before: str
    after: str

    def fill(self, number: int) -> None:
        """Put a number in."""
        text = f"{self.before}{number}{self.after}"
        self.box.text = self.box.pango_layout.text = text


class Stencil:
    """Gives the content of pages that differ in nothing but their number.

    The whole page is painted twice; where the two contents differ stand the texts of its slots, and only those are
    painted for each number.

    Args:
        page: laid out by WeasyPrint.
        slots: the texts on it that tell its number.
        samples: two numbers that share as few digits as there are.
        artifact: mark what is painted as saying nothing to a reader.

    Attributes:
        page: laid out by WeasyPrint.
    """

    def __init__(self, page: Any, slots: Sequence[Slot], samples: tuple[int, int], *, artifact: bool) -> None:
        self.page = page
        self._slots = slots
        self._samples = samples
        self._artifact = artifact
        self._parts: list[bytes] | None = None

    def content(self, painter: Painter, number: int) -> bytes | None:
        """Return the operators that show the page with a number; None when that page must be laid out by itself.

        So it is where the number is not as wide as the sample's, or shown by more than one run of glyphs.
        """
        if self._parts is None:
            self._parts = self._cut(painter)
        texts = [text for slot in self._slots if (text := self._text(painter, slot, number)) is not None]
        if len(texts) + 1 != len(self._parts):
            return None
        return b"".join(part for pair in zip(self._parts, [*texts, b""], strict=True) for part in pair).strip()

    def _whole(self, painter: Painter, number: int) -> list[bytes]:
        for slot in self._slots:
            slot.fill(number)
        return painter.operators(self.page, artifact=self._artifact)

    def _text(self, painter: Painter, slot: Slot, number: int) -> bytes | None:
        slot.fill(number)
        return painter.text(slot.box)

    def _cut(self, painter: Painter) -> list[bytes]:
        """Return what stands before, between and after the texts of the slots; nothing where that is not all."""
        low, high = (self._whole(painter, number) for number in self._samples)
        if len(low) != len(high):
            return []
        places = [place for place, (one, other) in enumerate(zip(low, high, strict=True)) if one != other]
        texts = [self._text(painter, slot, self._samples[0]) for slot in self._slots]
        if [low[place] for place in places] != texts:
            return []
        starts, ends = [0, *(place + 1 for place in places)], [*places, len(low)]
        return [b"\n".join([b"", *low[start:end], b""]) for start, end in zip(starts, ends, strict=True)]
