"""The page of a PDF table: paper, type size and column widths, planned from the first rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gridkit_django.exports import ExportColumn
from gridkit_django.typing import JSONObject

SAMPLE_ROWS = 500
"""Rows that the widths of columns are planned from."""
_TYPE_SIZE = 7.5
_TYPE_SIZE_MIN = 5.0
_CHARACTER_MM = 1.45
"""Width of an average character of 7.5 points."""
_PADDING_MM = 2.4
_TEXT_CHARACTERS_MAX = 36
_TEXT_CHARACTERS_MIN = 4
_PAPERS = (("A4 portrait", 190.0), ("A4 landscape", 277.0), ("A3 landscape", 400.0))
"""Paper and the width in mm between its margins of 10 mm."""
_LETTERS = (("letter portrait", 195.9), ("letter landscape", 259.4), ("ledger landscape", 411.8))


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

    def to_facts(self) -> dict[str, Any]:
        """Return the plan as plain data, for the segments that come after the first one."""
        return asdict(self) | {"widths": list(self.widths)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> PagePlan:
        """Return the plan that ``to_facts`` told of."""
        return cls(facts["paper"], facts["type_size"], tuple(facts["widths"]))


def plan_page(columns: Sequence[ExportColumn], sample: Sequence[Sequence[str]], options: JSONObject) -> PagePlan:
    """Choose the smallest paper on which the table fits, then smaller type; longer texts wrap.

    Args:
        columns: of the table.
        sample: texts of the first rows.
        options: ``orientation`` may be ``portrait`` or ``landscape``, else it is chosen; ``paper`` may be ``letter``.
    """
    needs = [_need(column, [row[index] for row in sample]) for index, column in enumerate(columns)]
    total = sum(needs) or 1.0
    orientation = options.get("orientation", "auto")
    sizes = _LETTERS if options.get("paper") == "letter" else _PAPERS
    papers = sizes if orientation == "auto" else [item for item in sizes[:2] if item[0].endswith(f" {orientation}")]
    paper, room = next((item for item in papers if total <= item[1]), papers[-1])
    type_size = max(_TYPE_SIZE_MIN, min(_TYPE_SIZE, _TYPE_SIZE * room / total))
    return PagePlan(paper, round(type_size, 2), tuple(round(100 * need / total, 3) for need in needs))


def _need(column: ExportColumn, texts: Sequence[str]) -> float:
    """Return the width in mm that a column wants."""
    heading = max((_columns(word) for word in column.label.split()), default=1)
    longest = max((_columns(line) for text in texts for line in text.split("\n")), default=0)
    wanted = max(heading + 1, min(longest, _TEXT_CHARACTERS_MAX), _TEXT_CHARACTERS_MIN)
    return wanted * _CHARACTER_MM + _PADDING_MM


def _columns(text: str) -> int:
    """Return how many average characters a text is as wide as; those of East Asia count twice."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)
