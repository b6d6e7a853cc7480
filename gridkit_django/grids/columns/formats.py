"""How numbers and points in time are written for people: declared once on the column, for the page and for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from gridkit_django.typing import MutableJSONObject

DECIMALS_MAX = 20
AFFIX_LENGTH_MAX = 20
Length: TypeAlias = Literal["short", "medium", "long"]
LENGTHS: tuple[Length, ...] = ("short", "medium", "long")


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How the numbers of a column are written.

    The separators are those of the reader's language.

    Attributes:
        decimals: digits after the point, 0 to 20; None: as many as the value has.
        grouping: whether thousands are set apart; None: from 10,000 on.
        percent: the stored number is a share: 0.25 is written as 25 %.
        prefix: text before the number, like ``"$"``.
        suffix: text after the number, like ``" km"``.
    """

    decimals: int | None = None
    grouping: bool | None = None
    percent: bool = False
    prefix: str = ""
    suffix: str = ""

    def fault(self) -> str:
        """Return what is wrong with the format, or nothing."""
        if self.decimals is not None and not 0 <= self.decimals <= DECIMALS_MAX:
            return f"decimals is {self.decimals}; allowed is 0 to {DECIMALS_MAX}."
        if max(len(self.prefix), len(self.suffix)) > AFFIX_LENGTH_MAX:
            return f"prefix and suffix may have {AFFIX_LENGTH_MAX} characters."
        return ""

    def to_dict(self) -> MutableJSONObject:
        """Write it as options of JavaScript's ``Intl.NumberFormat``, with the two texts beside them."""
        written: MutableJSONObject = {"useGrouping": {None: "min2", True: "always", False: False}[self.grouping]}
        if self.decimals is not None:
            written |= {"minimumFractionDigits": self.decimals, "maximumFractionDigits": self.decimals}
        elif self.percent:
            written |= {"minimumFractionDigits": 0, "maximumFractionDigits": DECIMALS_MAX}
        if self.percent:
            written["style"] = "percent"
        return written | {"prefix": self.prefix, "suffix": self.suffix}


@dataclass(frozen=True, slots=True)
class DateFormat:
    """How the days and points in time of a column are written, in the reader's language and the grid's time zone.

    Attributes:
        date: how long the day is: ``"short"`` (5/17/26), ``"medium"`` (May 17, 2026) or ``"long"`` (May 17, 2026).
        time: how exact a point in time is: ``"short"`` (to the minute), ``"medium"`` (to the second), or None: the day
            only. Days have no time.
    """

    date: Length = "medium"
    time: Literal["short", "medium"] | None = "short"

    def fault(self) -> str:
        """Return what is wrong with the format, or nothing."""
        if self.date not in LENGTHS:
            return f"date is {self.date!r}; allowed are {', '.join(LENGTHS)}."
        if self.time not in (None, "short", "medium"):
            return f"time is {self.time!r}; allowed are short, medium and None."
        return ""

    def to_dict(self) -> MutableJSONObject:
        """Write it as options of JavaScript's ``Intl.DateTimeFormat``."""
        return {f"{part}Style": length for part, length in asdict(self).items() if length is not None}


ValueFormat: TypeAlias = NumberFormat | DateFormat
FORMATTED: Mapping[type[ValueFormat], tuple[str, ...]] = MappingProxyType(
    {NumberFormat: ("integer", "decimal", "float"), DateFormat: ("date", "datetime")}
)
"""The types of column that a format is for."""
