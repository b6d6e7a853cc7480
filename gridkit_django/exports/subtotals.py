"""Groups and their figures in files: neighbouring rows with the same key belong together, figures follow them.

The figures are gathered while the rows pass, so that a file needs no second look at the data. What is gathered can be
written as plain data and go on in another worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Self, TypeAlias
from uuid import UUID

from gridkit_django.exports.base import ExportFigure, ExportSheet
from gridkit_django.exports.source.keylabels import KeyName
from gridkit_django.exports.texts import group_key
from gridkit_django.grids.functions import Fn
from gridkit_django.typing import JSONValue

Row: TypeAlias = Sequence[Any]
Keys: TypeAlias = tuple[Any, ...]

_READ: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "int": int,
        "float": float,
        "Decimal": Decimal,
        "bool": lambda text: text == "True",
        "str": str,
        "date": date.fromisoformat,
        "datetime": datetime.fromisoformat,
        "time": time.fromisoformat,
        "UUID": UUID,
        "KeyName": KeyName.from_text,
    }
)


def plain(value: Any) -> JSONValue:
    """Write a value with its type as plain data; None stays."""
    if value is None:
        return None
    kind = next(base.__name__ for base in type(value).__mro__ if base.__name__ in _READ)
    if isinstance(value, KeyName):
        return [kind, value.to_text()]
    return [kind, value.isoformat() if isinstance(value, (date, time)) else str(value)]


def unplain(raw: Any) -> Any:
    """Read what ``plain`` wrote."""
    return None if raw is None else _READ[raw[0]](raw[1])


class Tally:
    """One figure over rows.

    Args:
        fn: its function.
    """

    def __init__(self, fn: Fn) -> None:
        self.fn = fn
        self._count = 0
        self._kept: Any = None

    def add(self, values: Sequence[Any]) -> None:
        """Take in the values of some rows."""
        present = [value for value in values if value is not None]
        if present:
            self._count += len(present)
            self._keep(self._of(present))

    def merge(self, other: Tally) -> None:
        """Take in what another one of the same function has gathered."""
        self._count += other._count
        if other._kept is not None:
            self._keep(other._kept)

    @property
    def value(self) -> Any:
        """The figure; None when no row has a value, save for ``count``, which is 0 then."""
        if self.fn is Fn.COUNT:
            return self._count
        return self._kept / self._count if self.fn is Fn.AVG and self._count else self._kept

    def to_json(self) -> JSONValue:
        """Write what is gathered."""
        return [self._count, plain(self._kept)]

    @classmethod
    def from_json(cls, fn: Fn, raw: Any) -> Self:
        """Read what ``to_json`` wrote."""
        made = cls(fn)
        made._count, made._kept = int(raw[0]), unplain(raw[1])
        return made

    def _of(self, values: Sequence[Any]) -> Any:
        match self.fn:
            case Fn.SUM | Fn.AVG:
                return sum(values)
            case Fn.MIN:
                return min(values)
            case Fn.MAX:
                return max(values)
            case _:
                return None

    def _keep(self, found: Any) -> None:
        self._kept = found if self._kept is None else self._of([self._kept, found])


def tallies(figures: Sequence[ExportFigure], rows: Sequence[Row] = ()) -> list[Tally]:
    """Return one tally for each figure, over some rows to begin with."""
    made = [Tally(figure.fn) for figure in figures]
    for tally, figure in zip(made, figures, strict=True):
        tally.add([row[figure.column] for row in rows])
    return made


def runs(sheet: ExportSheet, rows: Sequence[Row]) -> Iterator[tuple[Keys, int, int]]:
    """Part rows where the key of a group changes.

    Yields:
        The keys of the groups, outermost first, and the places of the first row and of the one after the last.
    """
    start, last = 0, None
    for place, row in enumerate(rows):
        keys = tuple(group_key(row[group.column], group) for group in sheet.groups)
        if keys != last:
            if last is not None:
                yield last, start, place
            start, last = place, keys
    if last is not None:
        yield last, start, len(rows)


@dataclass(frozen=True, slots=True)
class Subtotal:
    """The end of a group.

    Attributes:
        level: 0 for the outermost groups.
        key: what its rows share.
        rows: how many rows it has.
        figures: the value of each figure of the sheet.
    """

    level: int
    key: Any
    rows: int
    figures: tuple[Any, ...]


class Subtotals:
    """Says which groups end where, with their figures.

    For each run of rows with the same keys: ``enter`` it, write the subtotals that it returns, write the rows, ``add``
    them. At the end, ``close`` returns the subtotals of all groups that are open.

    Args:
        sheet: groups and figures.
    """

    def __init__(self, sheet: ExportSheet) -> None:
        self._sheet = sheet
        self._keys: Keys = ()
        self._rows: list[int] = []
        self._tallies: list[list[Tally]] = []

    def enter(self, keys: Keys) -> list[Subtotal]:
        """Begin a run of rows.

        Returns:
            The groups that end before it, innermost first.
        """
        same = 0
        while same < len(self._keys) and self._keys[same] == keys[same]:
            same += 1
        closed = self._close(same)
        self._keys = keys
        while len(self._rows) < len(keys):
            self._rows.append(0)
            self._tallies.append(tallies(self._sheet.figures))
        return closed

    def add(self, count: int, gathered: Sequence[Tally]) -> None:
        """Take in the rows of the run.

        Args:
            count: how many they are.
            gathered: their figures.
        """
        for level in range(len(self._rows)):
            self._rows[level] += count
            for tally, more in zip(self._tallies[level], gathered, strict=True):
                tally.merge(more)

    def close(self) -> list[Subtotal]:
        """End all groups, innermost first."""
        closed = self._close(0)
        self._keys = ()
        return closed

    def _close(self, depth: int) -> list[Subtotal]:
        closed = []
        while len(self._rows) > depth:
            level = len(self._rows) - 1
            figures = tuple(tally.value for tally in self._tallies.pop())
            closed.append(Subtotal(level, self._keys[level], self._rows.pop(), figures))
        return closed
