"""The page of a PDF table: paper, type size and column widths, planned from the first rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridkit_django.exports import ExportColumn

_TYPE_SIZE = 7.5
_TYPE_SIZE_MIN = 5.0
_CHARACTER_MM = 1.45
"""Width of an average character of 7.5 points."""
_PADDING_MM = 2.4
_TEXT_CHARACTERS_MAX = 36
_TEXT_CHARACTERS_MIN = 4
_PAPERS = (("A4 portrait", 190.0), ("A4 landscape", 277.0), ("A3 landscape", 400.0))
"""Paper and the width in mm between its margins of 10 mm."""

NUMBER_TYPES = frozenset({"integer", "decimal", "float"})


@dataclass(frozen=True, slots=True)
class PagePlan:
    """How the table is laid out; the same for all its pages.

    Attributes:
        paper: size and orientation as CSS says it.
        type_size: in points.
        widths: of each column in per cent of the table.
    """

    paper: str
    type_size: float
    widths: tuple[float, ...]


def plan_page(columns: Sequence[ExportColumn], sample: Sequence[Sequence[str]], orientation: str = "auto") -> PagePlan:
    """Choose the smallest paper on which the table fits, then smaller type; longer texts wrap.

    Args:
        columns: of the table.
        sample: texts of the first rows.
        orientation: ``portrait`` or ``landscape`` for A4 as asked, ``auto`` to choose.
    """
    needs = [_need(column, [row[index] for row in sample]) for index, column in enumerate(columns)]
    total = sum(needs) or 1.0
    papers = _PAPERS if orientation == "auto" else [item for item in _PAPERS if item[0] == f"A4 {orientation}"]
    paper, room = next((item for item in papers if total <= item[1]), papers[-1])
    type_size = max(_TYPE_SIZE_MIN, min(_TYPE_SIZE, _TYPE_SIZE * room / total))
    return PagePlan(paper, round(type_size, 2), tuple(round(100 * need / total, 3) for need in needs))


def _need(column: ExportColumn, texts: Sequence[str]) -> float:
    """Return the width in mm that a column wants."""
    heading = max((len(word) for word in column.label.split()), default=1)
    longest = max((len(text) for text in texts), default=0)
    wanted = max(heading + 1, min(longest, _TEXT_CHARACTERS_MAX), _TEXT_CHARACTERS_MIN)
    return wanted * _CHARACTER_MM + _PADDING_MM
