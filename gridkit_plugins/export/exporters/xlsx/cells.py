"""Cells as XML, a column of many rows at a time, so that what depends on the column is decided once.

A cell names no address: cells and rows without one follow each other (ISO 29500, 18.3.1.4 and 18.3.1.73), so an empty
cell is written too. Text is always a text cell (``inlineStr``), whatever it looks like, so nothing in it can run.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID
from xml.sax.saxutils import escape

from gridkit_plugins.export.exporters.celltext import cell_text
from gridkit_plugins.export.exporters.xlsx.values import (
    DIGITS_EXACT,
    FIRST_DATE,
    FORMULA_STARTS,
    TEXT_MAX,
    serial,
    sheet_text,
    sheet_value,
)

EMPTY = "<c/>"
_NONE = type(None)
_TEXT_END = "</t></is></c>"
_WHOLE_END = 10**DIGITS_EXACT
_BETWEEN = "\x00"
"""Parts the texts of a column while they are looked at together; a text that holds it is looked at alone."""

_STARTS = frozenset(FORMULA_STARTS)
_ODD = re.compile(r"[\x01-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that a file of XML can't hold as they are."""

Cells: TypeAlias = Sequence[str]


@dataclass(frozen=True, slots=True)
class CellLooks:
    """Numbers of styles in the workbook, 0 for none.

    Attributes:
        plain: of the column's own values.
        link: of web addresses.
        quoted: of texts that look like formulas, which keeps them texts when somebody edits them.
        kinds: of values whose type is not the column's, by type.
    """

    plain: int = 0
    link: int = 0
    quoted: int = 0
    kinds: Mapping[type, int] = field(default_factory=dict)


class ColumnWriter:
    """Turns the values of one column into cells.

    Args:
        kind: the Python type of the column's values, or None when any may come.
        looks: numbers of styles.
    """

    def __init__(self, kind: type | None, looks: CellLooks) -> None:
        self._kind = kind
        self._looks = looks
        self._quick: Mapping[type, Callable[[Sequence[Any]], Cells | None]] = {
            str: self._texts,
            int: self._whole,
            Decimal: self._exact,
            float: self._floats,
            bool: self._truths,
            date: self._days,
            datetime: self._points,
            UUID: self._keys,
        }

    def cells(self, values: Sequence[Any]) -> Cells:
        """Return one cell for each value."""
        kinds = set(map(type, values))
        with_gaps = _NONE in kinds
        kinds.discard(_NONE)
        if not kinds:
            return [EMPTY] * len(values)
        quick = self._quick.get(kinds.pop()) if len(kinds) == 1 else None
        present = [value for value in values if value is not None] if with_gaps else values
        cells = quick(present) if quick else None
        if cells is None:
            return [self.cell(value) for value in values]
        if not with_gaps:
            return cells
        following = iter(cells)
        return [EMPTY if value is None else next(following) for value in values]

    def cell(self, value: Any, look: int | None = None) -> str:
        """Return the cell of one value of any type.

        Args:
            value: what the cell holds.
            look: the number of its style; None: the column's.
        """
        plain = sheet_value(value)
        if plain is None:
            return EMPTY
        if isinstance(plain, str):
            quoted = look is None and plain.startswith(FORMULA_STARTS)
            style = self._looks.quoted if quoted else self._text_look(type(value)) if look is None else look
            return _text_open(style) + escape(plain) + _TEXT_END
        style = self._look(type(value)) if look is None else look
        if isinstance(plain, bool):
            return f'<c{_style(style)} t="b"><v>{int(plain)}</v></c>'
        number = serial(plain) if isinstance(plain, (date, time)) else plain
        return f"<c{_style(style)}><v>{number!r}</v></c>" if isinstance(number, float) else _number(number, style)

    def link(self, address: str) -> str:
        """Return the cell of a web address."""
        return self.cell(address, self._looks.link)

    def formula(self, formula: str, value: Any, look: int) -> str:
        """Return the cell of a figure: the formula and what it comes to, or what it comes to where no formula does.

        Args:
            formula: of a number.
            value: the figure.
            look: the number of the style.
        """
        plain = sheet_value(value)
        if plain is None:
            return f'<c s="{look}"/>' if look else EMPTY
        if isinstance(plain, (str, bool)):
            return self.cell(value, look)
        number = serial(plain) if isinstance(plain, (date, time)) else plain
        return f"<c{_style(look)}><f>{escape(formula)}</f><v>{cell_text(number)}</v></c>"

    def _look(self, kind: type) -> int:
        return self._looks.plain if kind is self._kind else self._looks.kinds.get(kind, 0)

    def _text_look(self, kind: type) -> int:
        return self._looks.plain if issubclass(kind, str) and self._kind is str else 0

    def _texts(self, values: Sequence[str]) -> Cells | None:
        joined = _BETWEEN.join(values)
        if joined.count(_BETWEEN) >= len(values) or max(map(len, values)) * 2 > TEXT_MAX or not _is_plain(joined):
            return None
        escaped = escape(joined)
        texts = values if escaped == joined else escaped.split(_BETWEEN)
        opening = _text_open(self._looks.plain if self._kind is str else 0)
        if _STARTS.isdisjoint({text[:1] for text in texts}):
            return [f"{opening}{text}{_TEXT_END}" for text in texts]
        quoted = _text_open(self._looks.quoted)
        return [f"{quoted if text[:1] in _STARTS else opening}{text}{_TEXT_END}" for text in texts]

    def _whole(self, values: Sequence[int]) -> Cells | None:
        if max(values) >= _WHOLE_END or min(values) <= -_WHOLE_END:
            return None
        opening = f"<c{_style(self._look(int))}><v>"
        return [f"{opening}{value}</v></c>" for value in values]

    def _exact(self, values: Sequence[Decimal]) -> Cells | None:
        texts = list(map(str, values))
        joined = "".join(texts)
        if max(map(len, texts)) > DIGITS_EXACT or "E" in joined or "N" in joined or "I" in joined:
            return None
        opening = f"<c{_style(self._look(Decimal))}><v>"
        return [f"{opening}{text}</v></c>" for text in texts]

    def _floats(self, values: Sequence[float]) -> Cells | None:
        if not math.isfinite(sum(values)):
            return None
        opening = f"<c{_style(self._look(float))}><v>"
        return [f"{opening}{value!r}</v></c>" for value in values]

    def _truths(self, values: Sequence[bool]) -> Cells:
        opening = f'<c{_style(self._look(bool))} t="b"><v>'
        both = (f"{opening}0</v></c>", f"{opening}1</v></c>")
        return [both[value] for value in values]

    def _days(self, values: Sequence[date]) -> Cells | None:
        if min(values) < FIRST_DATE:
            return None
        opening = f"<c{_style(self._look(date))}><v>"
        return [f"{opening}{number}</v></c>" for number in map(serial, values)]

    def _points(self, values: Sequence[datetime]) -> Cells | None:
        if min(map(operator.attrgetter("year"), values)) <= FIRST_DATE.year:
            return None
        opening = f"<c{_style(self._look(datetime))}><v>"
        return [f"{opening}{number!r}</v></c>" for number in map(serial, values)]

    def _keys(self, values: Sequence[UUID]) -> Cells:
        opening = _text_open(self._looks.plain)
        return [f"{opening}{value}{_TEXT_END}" for value in values]


def text_cell(text: str, look: int = 0) -> str:
    """Return the cell of a text that is no value of a row."""
    return _text_open(look) + escape(sheet_text(text)) + _TEXT_END


def _is_plain(joined: str) -> bool:
    """Whether texts can stand in the file as they are, but for the characters of XML itself.

    Most can, and to see that all characters are printable is ten times as quick as to search for odd ones.
    """
    if "_x" in joined:
        return False
    return joined.replace(_BETWEEN, " ").replace("\n", " ").isprintable() or not _ODD.search(joined)


def _style(look: int) -> str:
    return f' s="{look}"' if look else ""


def _text_open(look: int) -> str:
    return f'<c{_style(look)} t="inlineStr"><is><t xml:space="preserve">'


def _number(value: int | Decimal, look: int) -> str:
    return f"<c{_style(look)}><v>{cell_text(value)}</v></c>"
