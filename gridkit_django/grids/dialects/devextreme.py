"""The load options of DevExtreme's stores, and the answer of a load: data or groups, counts and summaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.dialects.devextreme_filters import OPS, condition, read_expression
from gridkit_django.grids.dialects.nested import Nest
from gridkit_django.grids.dialects.questions import Node, Question, joined
from gridkit_django.grids.dialects.reading import Ask, Dialect, Reading, ask_for_all, flat_row, refuse_remainder
from gridkit_django.grids.dialects.strictness import flag, known_object, plain_list, text, whole, word
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.query import CountMode
from gridkit_django.grids.rows import Row, RowsPage
from gridkit_django.typing import JSONValue, MutableJSONObject

_KEYS = (
    "skip",
    "take",
    "sort",
    "filter",
    "group",
    "groupSummary",
    "totalSummary",
    "requireTotalCount",
    "requireGroupCount",
    "searchExpr",
    "searchOperation",
    "searchValue",
    "select",
    "isLoadingAll",
)
_FUNCTIONS = {"sum": Fn.SUM, "avg": Fn.AVG, "min": Fn.MIN, "max": Fn.MAX, "count": Fn.COUNT}
_SORT_KEYS = ("selector", "desc", "isExpanded")
"""For what is inside one group, DevExtreme sends the levels of groups as the first terms of the order, as they are."""

_WITHIN = {"year": (), "quarter": ("year",), "month": ("year", "quarter"), "day": ("month",)}
"""Interval to those of which one must be a level further out: a month of no year in particular has no group."""

ROW_COUNT = "count-rows"
"""Names of figures have a hyphen, so that no column can have them."""


class DevExtremeReading(Reading):
    """Load options of DevExtreme that were understood.

    Args:
        request: the ``LoadOptions`` as JSON.
        access: the grid and the user.

    Raises:
        DialectError: for what is not understood.
    """

    def __init__(self, request: Any, access: GridAccess) -> None:
        super().__init__(Question())
        self._request = known_object(request, "", _KEYS)
        flag(self._request.get("isLoadingAll"), "/isLoadingAll")
        self._access = access
        self._names: dict[tuple[Fn, str], str] = {}
        self._groups = self._read_groups()
        self._group_summary = self._read_summary("groupSummary") if self._groups else []
        self._total_summary = self._read_summary("totalSummary")
        self._wants_total = flag(self._request.get("requireTotalCount"), "/requireTotalCount")
        self._wants_groups = flag(self._request.get("requireGroupCount"), "/requireGroupCount")
        self._read_window()
        self._read_sort()
        self._read_counts()
        for index, name in enumerate(plain_list(self._request.get("select"), "/select")):
            self.question.add("columns", text(name, f"/select/{index}"), f"/select/{index}")
        nodes = [read_expression(self._request.get("filter"), "/filter", access), self._search()]
        self.question.filter_by(joined("and", nodes, "/filter"))

    def answer(self, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Return ``data``, and ``totalCount``, ``groupCount`` and ``summary`` when they were asked for."""
        if self._request.get("take") is None:
            refuse_remainder(page, "/take")
        nest = Nest(page, self.question.query(), ask, self._is_open, "/group")
        data = [self._told(row, nest) for row in page.rows]
        answer: MutableJSONObject = {"data": data}
        totals = page.totals or {}
        if self._wants_total:
            answer["totalCount"] = totals[ROW_COUNT] if self._groups else page.count.value
        if self._wants_groups and self._groups:
            answer["groupCount"] = page.count.value
        if self._total_summary:
            answer["summary"] = [totals[name] for name in self._total_summary]
        return answer

    def _is_open(self, row: Row) -> bool:
        """All levels of groups are told, and rows inside the last one when it is expanded."""
        is_outer = row.group is not None and row.group.expandable
        return is_outer or self._groups[-1].get("isExpanded") is not False

    def _told(self, row: Row, nest: Nest) -> MutableJSONObject:
        """Return a row, or a group with what is inside."""
        if row.group is None:
            return flat_row(row)
        inside = nest.inside(row)
        written: MutableJSONObject = {
            "key": _interval_key(row.group.key, self._groups[row.group.level].get("groupInterval")),
            "items": None if inside is None else [self._told(inner, nest) for inner in inside],
            "count": row.group.child_count,
        }
        if self._group_summary:
            written["summary"] = [row.data[name] for name in self._group_summary]
        return written

    def _read_groups(self) -> list[Mapping[str, Any]]:
        known = ("selector", "desc", "isExpanded", "groupInterval")
        groups: list[Mapping[str, Any]] = []
        for index, raw in enumerate(_listed(self._request.get("group"))):
            at = f"/group/{index}"
            item = known_object({"selector": raw} if isinstance(raw, str) else raw, at, known)
            name = text(item.get("selector"), f"{at}/selector")
            if item.get("isExpanded") is not None:
                flag(item["isExpanded"], f"{at}/isExpanded")
            interval = item.get("groupInterval")
            if interval is not None:
                _check_interval(item, groups, f"{at}/groupInterval")
            self.question.add("group", name if interval is None else {"col": name, "by": interval}, at)
            groups.append(item)
        return groups

    def _read_summary(self, key: str) -> list[str]:
        """Return the names of the figures of a summary, in its order."""
        names: list[str] = []
        for index, raw in enumerate(_listed(self._request.get(key))):
            at = f"/{key}/{index}"
            item = known_object(raw, at, ("selector", "summaryType"))
            fn = _FUNCTIONS[word(item.get("summaryType"), f"{at}/summaryType", _FUNCTIONS, "type of summary")]
            selector = item.get("selector")
            if fn is Fn.COUNT and selector is not None:
                self._access.column(text(selector, f"{at}/selector"), f"{at}/selector")  # it counts rows all the same
            names.append(self._figure(fn, "" if fn is Fn.COUNT else text(selector, f"{at}/selector"), at))
        return names

    def _figure(self, fn: Fn, col: str, at: str) -> str:
        """Ask for a figure once, and return its name."""
        if (fn, col) not in self._names:
            name = ROW_COUNT if fn is Fn.COUNT else f"figure-{len(self._names)}"
            self._names[fn, col] = name
            item: MutableJSONObject = {"fn": fn.value, "as": name}
            self.question.add("aggregates", {**item, "col": col} if col else item, at, col=f"{at}/selector")
        return self._names[fn, col]

    def _read_window(self) -> None:
        skip, take = self._request.get("skip"), self._request.get("take")
        start = 0 if skip is None else whole(skip, "/skip")
        if take is not None:
            self.question.offset(start, start + whole(take, "/take"), start_at="/skip", end_at="/take")
        elif start == 0:
            ask_for_all(self.question, "/take")
        else:
            raise DialectError.at("/take", "A request with 'skip' needs a 'take', too.")

    def _read_sort(self) -> None:
        """The order of the groups comes first; a column that is grouped by is not sorted by again."""
        ways: dict[str, bool] = {}
        for index, item in enumerate(self._groups):
            name, desc = item["selector"], flag(item.get("desc"), f"/group/{index}/desc")
            if ways.setdefault(name, desc) is not desc:
                raise DialectError.at(f"/group/{index}/desc", "The levels of one column can't run in two directions.")
        for index, item in enumerate(self._groups):
            name = item["selector"]
            if name not in [earlier["selector"] for earlier in self._groups[:index]]:
                self.question.sort_by(name, "desc" if ways[name] else "asc", f"/group/{index}")
        for index, raw in enumerate(_listed(self._request.get("sort"))):
            at = f"/sort/{index}"
            item = known_object({"selector": raw} if isinstance(raw, str) else raw, at, _SORT_KEYS)
            flag(item.get("isExpanded"), f"{at}/isExpanded")
            name = text(item.get("selector"), f"{at}/selector")
            way = flag(item.get("desc"), f"{at}/desc")
            if name not in ways:
                self.question.sort_by(name, "desc" if way else "asc", at, col_at=f"{at}/selector")

    def _read_counts(self) -> None:
        """Numbers cost the database time, so they are found only when they are asked for, and then exactly."""
        if self._groups and self._wants_total:
            self._figure(Fn.COUNT, "", "/requireTotalCount")
        if self._total_summary or (self._groups and self._wants_total):
            self.question.put("include", ["totals"], "/totalSummary")
        wanted = self._wants_groups if self._groups else self._wants_total
        self.question.put("count", (CountMode.EXACT if wanted else CountMode.NONE).value, "/requireTotalCount")

    def _search(self) -> Node | None:
        """A value that is looked for in some fields: one of them must match."""
        value = self._request.get("searchValue")
        if value in (None, ""):
            return None
        operation = self._request.get("searchOperation") or "contains"
        word(operation, "/searchOperation", OPS, "operator")
        fields = _listed(self._request.get("searchExpr"))
        if not fields:
            raise DialectError.at("/searchExpr", "Expected the fields in which 'searchValue' is looked for.")
        nodes: list[Node | None] = [
            condition([text(name, "/searchExpr"), operation, value], "/searchValue", self._access) for name in fields
        ]
        return joined("or", nodes, "/searchValue")


def _listed(raw: Any) -> list[Any]:
    """Return what may be one item or several as a list."""
    if raw is None:
        return []
    return raw if isinstance(raw, list) else [raw]


def _check_interval(item: Mapping[str, Any], outer: list[Mapping[str, Any]], at: str) -> None:
    interval = word(item["groupInterval"], at, _WITHIN, "interval")
    needed = _WITHIN[interval]
    present = {level.get("groupInterval") for level in outer if level["selector"] == item["selector"]}
    if needed and not present.intersection(needed):
        raise DialectError.at(
            at, f"The interval {interval} needs the level {' or '.join(needed)} of the same field further out."
        )


def _interval_key(key: JSONValue, interval: str | None) -> JSONValue:
    """Return the key of a group as DevExtreme knows it: the number of the year, quarter, month or day."""
    if interval is None or not isinstance(key, str):
        return key
    year, month, day = (int(part) for part in key.split("-"))
    return {"year": year, "quarter": (month + 2) // 3, "month": month, "day": day}[interval]


DIALECT = Dialect("devextreme", "DevExtreme 24 to 26", DevExtremeReading)
