"""What a client wants grouped, aggregated and pivoted: frozen, typed and strictly read. It knows no columns yet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryError
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.periods import Period
from gridkit_django.grids.strict import read_list, read_object, read_text, read_word
from gridkit_django.typing import JSONValue, MutableJSONObject

AGGREGATES_MAX = 50
_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class GroupTerm:
    """One level of groups.

    Attributes:
        col: id of the column.
        by: the period that days and points in time are grouped by; None groups equal values.
    """

    col: str
    by: Period | None = None

    def to_json(self) -> JSONValue:
        """Write the term as JSON."""
        return self.col if self.by is None else {"col": self.col, "by": self.by.value}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One figure over the rows of a group.

    Attributes:
        fn: the function.
        col: id of the column; empty for ``count``, which then counts rows.
        name: the key under which the figure is answered.
    """

    fn: Fn
    col: str
    name: str

    def to_dict(self) -> MutableJSONObject:
        """Write the aggregate as JSON."""
        written: MutableJSONObject = {"fn": self.fn.value, "as": self.name}
        return {"col": self.col, **written} if self.col else written


@dataclass(frozen=True, slots=True)
class Pivot:
    """Figures for each value of some columns, beside each other.

    Attributes:
        cols: whose values become columns of the answer.
        values: the figures; empty means the aggregates of the query.
    """

    cols: tuple[GroupTerm, ...]
    values: tuple[Aggregate, ...] = ()

    def to_dict(self) -> MutableJSONObject:
        """Write the pivot as JSON."""
        return {"cols": [term.to_json() for term in self.cols], "values": [item.to_dict() for item in self.values]}


@dataclass(frozen=True, slots=True)
class Include:
    """What an answer holds beside its rows.

    Attributes:
        totals: the aggregates over all matching rows.
        facets: ids of the columns whose distinct values are counted.
        place: where in the list the facets were named, for errors.
        labels: what people read for keys of other grids' rows.
    """

    totals: bool = False
    facets: tuple[str, ...] = ()
    place: int = field(default=0, compare=False)
    labels: bool = False

    def to_json(self) -> list[JSONValue]:
        """Write what is included as JSON."""
        words: list[JSONValue] = [word for word in _BESIDE if getattr(self, word)]
        return [*words, {"facets": list(self.facets)}] if self.facets else words


NOTHING_MORE = Include()

_BESIDE = ("totals", "labels")
"""What can be asked for by a word."""


def read_group(raw: Any, at: str = "/group") -> tuple[GroupTerm, ...]:
    """Read the levels of groups: column ids, or ``{"col", "by"}``.

    Raises:
        QueryError: for anything else, and for a level that is there twice.
        QueryLimitError: for more levels than ``GROUPS_MAX``.
    """
    terms = tuple(
        _group_term(item, f"{at}/{index}") for index, item in enumerate(read_list(raw, at, settings().GROUPS_MAX))
    )
    for index, term in enumerate(terms):
        if term in terms[:index]:
            raise QueryError.at(f"{at}/{index}", f"The rows are grouped by {term.col[:100]!a} twice.")
    return terms


def _group_term(raw: Any, at: str) -> GroupTerm:
    if isinstance(raw, str):
        return GroupTerm(read_text(raw, at))
    raw = read_object(raw, at, ("col", "by"))
    if "col" not in raw:
        raise QueryError.at(at, "The level has no 'col'.")
    by = raw.get("by")
    period = None if by is None else Period(read_word(by, f"{at}/by", tuple(Period)))
    return GroupTerm(read_text(raw["col"], f"{at}/col"), period)


def read_path(raw: Any, at: str = "/path") -> tuple[JSONValue, ...]:
    """Read the keys of the groups that lead to the rows asked for, outermost first; null is a key too.

    Raises:
        QueryError: for anything but plain values.
    """
    keys = tuple(read_list(raw, at, settings().GROUPS_MAX))
    for index, key in enumerate(keys):
        if isinstance(key, str):
            read_text(key, f"{at}/{index}", settings().BODY_BYTES_MAX)
        elif key is not None and not isinstance(key, (int, float, bool)):
            raise QueryError.at(f"{at}/{index}", "Expected the key of a group: a plain value or null.")
    return keys


def read_aggregates(raw: Any, at: str = "/aggregates") -> tuple[Aggregate, ...]:
    """Read aggregates: ``{"col", "fn", "as"}``.

    Raises:
        QueryError: for anything else, and for a name that is given twice.
        QueryLimitError: for too many.
    """
    found = tuple(_aggregate(item, f"{at}/{index}") for index, item in enumerate(read_list(raw, at, AGGREGATES_MAX)))
    for index, item in enumerate(found):
        if item.name in {other.name for other in found[:index]}:
            raise QueryError.at(f"{at}/{index}/as", f"The name {item.name!a} is given twice.")
    return found


def _aggregate(raw: Any, at: str) -> Aggregate:
    raw = read_object(raw, at, ("col", "fn", "as"))
    fn = Fn(read_word(raw.get("fn"), f"{at}/fn", tuple(Fn)))
    col = "" if raw.get("col") is None else read_text(raw["col"], f"{at}/col")
    if not col and fn is not Fn.COUNT:
        raise QueryError.at(at, f"The function {fn} needs a 'col'. Only count can do without: it counts rows.")
    default = f"{fn}_{col}" if col else fn.value
    name = default if raw.get("as") is None else read_text(raw["as"], f"{at}/as")
    if not _ALIAS.fullmatch(name):
        raise QueryError.at(f"{at}/as", "Expected a name of letters, digits, '_', '-' and '.', a letter first.")
    return Aggregate(fn, col, name)


def read_pivot(raw: Any, at: str = "/pivot") -> Pivot:
    """Read a pivot: ``{"cols", "values"}``.

    Raises:
        QueryError: for anything else, and for no column.
    """
    raw = read_object(raw, at, ("cols", "values"))
    cols = read_group(raw.get("cols"), f"{at}/cols")
    if not cols:
        raise QueryError.at(f"{at}/cols", "Expected at least one column to pivot by.")
    values = raw.get("values")
    return Pivot(cols, () if values is None else read_aggregates(values, f"{at}/values"))


def read_include(raw: Any, at: str = "/include") -> Include:
    """Read what an answer shall hold beside its rows: ``"totals"``, ``"labels"``, and ``{"facets": [columns]}``.

    Raises:
        QueryError: for anything else.
    """
    words: set[str] = set()
    facets: tuple[str, ...] = ()
    place = 0
    for index, item in enumerate(read_list(raw, at, len(_BESIDE) + 1)):
        if item in _BESIDE:
            words.add(item)
        else:
            held = read_object(item, f"{at}/{index}", ("facets",))
            if facets:
                raise QueryError.at(f"{at}/{index}", "The facets are named twice. Name all columns in one list.")
            place = index
            facets = tuple(
                read_text(name, f"{at}/{index}/facets/{place}")
                for place, name in enumerate(read_list(held.get("facets"), f"{at}/{index}/facets", 20))
            )
    for index, name in enumerate(facets):
        if name in facets[:index]:
            raise QueryError.at(f"{at}/{place}/facets/{index}", f"The column {name[:100]!a} is named twice.")
    return Include("totals" in words, facets, place, labels="labels" in words)
