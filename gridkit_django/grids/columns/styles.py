"""Conditional styles: how a cell looks when its value meets a condition, alike on the page and in files."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

from django.utils import timezone

from gridkit_django.grids.operators import Op
from gridkit_django.grids.periods import PRESETS
from gridkit_django.typing import JSONValue

Test: TypeAlias = "Callable[[Any], bool]"

TONES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "good": ("#14532d", "#dcfce7"),
        "warn": ("#713f12", "#fef9c3"),
        "bad": ("#7f1d1d", "#fee2e2"),
        "info": ("#1e3a8a", "#dbeafe"),
        "muted": ("#6b7280", ""),
    }
)
"""Each tone's colours of text and of ground in files. The page has its own, for light and dark, in its style sheet."""

NOT_FOR_STYLES = (Op.FILTER,)
_ORDERED: Mapping[Op, Callable[[Any, Any], bool]] = MappingProxyType(
    {Op.EQ: operator.eq, Op.LT: operator.lt, Op.LTE: operator.le, Op.GT: operator.gt, Op.GTE: operator.ge}
)
_TEXTUAL: Mapping[Op, Callable[[str, str], bool]] = MappingProxyType(
    {Op.CONTAINS: operator.contains, Op.STARTS: str.startswith, Op.ENDS: str.endswith}
)


@dataclass(frozen=True, slots=True)
class CellStyle:
    """One condition on a column's values, and how a cell looks that meets it.

    Attributes:
        op: an operator of the column, as in a filter: ``"lt"``, ``"between"``, ``"in"``, ``"blank"``, ``"isTrue"``,
            ``"contains"``, ``"relative"`` … Texts compare without regard to case.
        value: what it compares with; a list for ``in``.
        to: the upper end of ``between``.
        tone: ``good``, ``warn``, ``bad``, ``info`` or ``muted``: colours that are legible in light, in dark and on
            paper; empty for none.
        bold: whether the text is heavy.
        italic: whether the text is slanted.
    """

    op: Op | str
    value: Any = None
    to: Any = None
    tone: str = field(default="", kw_only=True)
    bold: bool = field(default=False, kw_only=True)
    italic: bool = field(default=False, kw_only=True)

    def fault(self, operators: Sequence[Op]) -> str:
        """Return what is wrong with the style on a column with these operators, or nothing."""
        if self.op not in operators or self.op in NOT_FOR_STYLES:
            allowed = ", ".join(op.value for op in operators if op not in NOT_FOR_STYLES)
            return f"a style has the operator {self.op!r}; allowed are {allowed}."
        if self.tone and self.tone not in TONES:
            return f"a style has the tone {self.tone!r}; allowed are {', '.join(TONES)}."
        if not (self.tone or self.bold or self.italic):
            return "a style has no tone and is neither bold nor italic."
        return ""

    @property
    def css(self) -> str:
        """The classes of a cell on the page."""
        names = (self.tone and f"tone-{self.tone}", self.bold and "is-bold", self.italic and "is-italic")
        return " ".join(name for name in names if name)


def style_finder(
    styles: Sequence[CellStyle], zone: tzinfo, *, exact: bool = False
) -> Callable[[Any], CellStyle | None]:
    """Return what finds the style of a value: the first whose condition it meets, or None.

    Args:
        styles: styles of a bound column, whose values are cleaned.
        zone: the time zone in which days begin.
        exact: whether texts are names of choices, which compare with regard to case.
    """
    tests = [(_test(style, zone, exact=exact), style) for style in styles]

    def find(value: Any) -> CellStyle | None:
        return next((style for test, style in tests if test(value)), None)

    return find


def plain_value(value: Any) -> JSONValue:
    """Return a value of a declaration as it would cross the wire, so that the column can judge it."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_value(item) for item in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (Decimal, UUID)) else value


def _test(style: CellStyle, zone: tzinfo, *, exact: bool) -> Test:
    op = Op(style.op)
    positive = _positive_test(op.positive, style, zone, exact=exact)
    return positive if op is op.positive else lambda value: not positive(value)


def _positive_test(op: Op, style: CellStyle, zone: tzinfo, *, exact: bool) -> Test:
    match op:
        case Op.BLANK:
            return _blank(exact=exact)
        case Op.IS_TRUE | Op.IS_FALSE:
            return lambda value: value is (op is Op.IS_TRUE)
        case Op.IN:
            anyone = [_compare(operator.eq, item, zone, exact=exact) for item in style.value]
            return lambda value: any(test(value) for test in anyone)
        case Op.BETWEEN:
            low = _compare(operator.ge, style.value, zone, exact=exact)
            high = _compare(operator.le, style.to, zone, exact=exact)
            return lambda value: low(value) and high(value)
        case Op.RELATIVE:
            first, end = PRESETS[str(style.value)](timezone.localdate(timezone=zone))
            return lambda value: value is not None and first <= _day(value, zone) < end
        case _:
            compare = _TEXTUAL.get(op) or _ORDERED[op]
            return _compare(compare, style.value, zone, exact=exact)


def _blank(*, exact: bool) -> Test:
    return lambda value: value is None or (not exact and value == "")


def _compare(compare: Callable[[Any, Any], bool], operand: Any, zone: tzinfo, *, exact: bool) -> Test:
    """Return the comparison of a value, brought into the form of the operand; None means "no value"."""
    if operand is None:
        return _blank(exact=exact)
    if isinstance(operand, str) and not exact:
        folded = operand.casefold()
        return lambda value: value is not None and compare(str(value).casefold(), folded)
    if isinstance(operand, datetime):
        point = operand.replace(tzinfo=zone) if operand.tzinfo is None else operand
        return lambda value: value is not None and compare(_aware(value, zone), point)
    if isinstance(operand, date):
        return lambda value: value is not None and compare(_day(value, zone), operand)
    if isinstance(operand, (float, Decimal)):
        # What is no number has no order; Python's Decimal would raise.
        return lambda value: value is not None and not math.isnan(value) and compare(value, operand)
    return lambda value: value is not None and compare(value, operand)


def _day(value: date, zone: tzinfo) -> date:
    return _aware(value, zone).astimezone(zone).date() if isinstance(value, datetime) else value


def _aware(value: datetime, zone: tzinfo) -> datetime:
    return value.replace(tzinfo=zone) if value.tzinfo is None else value
