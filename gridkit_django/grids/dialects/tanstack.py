"""The state of TanStack Table 8 and 9, with its ``manual…`` options on: what the table shows, the server finds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import TextColumn
from gridkit_django.grids.dialects.nested import Nest
from gridkit_django.grids.dialects.questions import Leaf, Node, Question, joined
from gridkit_django.grids.dialects.reading import (
    Ask,
    Dialect,
    Reading,
    ask_for_all,
    exact_count,
    flat_row,
    refuse_remainder,
)
from gridkit_django.grids.dialects.strictness import flag, known_object, plain_list, text, whole, word
from gridkit_django.grids.dialects.values import any_of, typed_value
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.operators import WITH_LIST, Op
from gridkit_django.grids.pointers import pointer
from gridkit_django.grids.rows import Row, RowsPage
from gridkit_django.typing import MutableJSONObject

LAYOUT = (
    "cellSelection",
    "columnOrder",
    "columnPinning",
    "columnResizing",
    "columnSizing",
    "columnSizingInfo",
    "columnVisibility",
    "rowPinning",
    "rowSelection",
)
"""Parts of the state that say how the table looks and play no part in which rows there are."""

_KEYS = ("sorting", "columnFilters", "globalFilter", "pagination", "grouping", "expanded", "aggregations", "count")
_FUNCTIONS = {
    "sum": Fn.SUM,
    "mean": Fn.AVG,
    "min": Fn.MIN,
    "max": Fn.MAX,
    "count": Fn.COUNT,
    "uniqueCount": Fn.COUNT_DISTINCT,
}


class TanStackReading(Reading):
    """A state of TanStack Table that was understood.

    Args:
        request: the state's JSON.
        access: the grid and the user.

    Raises:
        DialectError: for what is not understood.
    """

    def __init__(self, request: Any, access: GridAccess) -> None:
        super().__init__(Question())
        self._request = known_object(request, "", (*_KEYS, *LAYOUT))
        self._access = access
        self._is_paged = self._request.get("pagination") is not None
        self._read_window()
        self._read_sort()
        self._read_groups()
        filters = enumerate(plain_list(self._request.get("columnFilters"), "/columnFilters"))
        nodes = [self._filter(item, f"/columnFilters/{index}") for index, item in filters]
        self.question.filter_by(joined("and", nodes, "/columnFilters"))
        searched = self._request.get("globalFilter")
        if searched not in (None, ""):
            self.question.put("search", text(searched, "/globalFilter"), "/globalFilter")
        if self._request.get("count") is not None:
            self.question.put("count", self._request["count"], "/count")
        self._is_all_open = self._request.get("expanded") is True
        self._open = self._read_expanded()

    def answer(self, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Return ``data``, whether more follows, and ``rowCount`` when it is exact. Open groups have ``subRows``."""
        if not self._is_paged:
            refuse_remainder(page, "/pagination")
        nest = Nest(page, self.question.query(), ask, self._is_open, "/expanded")
        answer: MutableJSONObject = {
            "data": [self._row(row, nest) for row in page.rows],
            "hasNextPage": page.window.has_next,
        }
        count = exact_count(page)
        return answer if count is None else {**answer, "rowCount": count}

    def _is_open(self, row: Row) -> bool:
        return self._is_all_open or row.id in self._open

    def _row(self, row: Row, nest: Nest) -> MutableJSONObject:
        written, inside = flat_row(row), nest.inside(row)
        return written if inside is None else {**written, "subRows": [self._row(inner, nest) for inner in inside]}

    def _read_window(self) -> None:
        if not self._is_paged:
            ask_for_all(self.question, "/pagination")
            return
        paging = known_object(self._request["pagination"], "/pagination", ("pageIndex", "pageSize"))
        index_at, size_at = "/pagination/pageIndex", "/pagination/pageSize"
        index, size = whole(paging.get("pageIndex"), index_at), whole(paging.get("pageSize"), size_at)
        self.question.offset(index * size, (index + 1) * size, start_at=index_at, end_at=size_at)

    def _read_sort(self) -> None:
        for index, raw in enumerate(plain_list(self._request.get("sorting"), "/sorting")):
            at = f"/sorting/{index}"
            item = known_object(raw, at, ("id", "desc"))
            self.question.sort_by(
                item.get("id"), "desc" if flag(item.get("desc"), f"{at}/desc") else "asc", at, col_at=f"{at}/id"
            )

    def _read_groups(self) -> None:
        grouping = plain_list(self._request.get("grouping"), "/grouping")
        for index, name in enumerate(grouping):
            self.question.add("group", text(name, f"/grouping/{index}"), f"/grouping/{index}")
        wanted = self._request.get("aggregations")
        if wanted is None:
            return
        if not isinstance(wanted, Mapping):
            raise DialectError.at("/aggregations", "Expected an object: column id to the name of a function.")
        for name, function in wanted.items():
            at = "/aggregations" + pointer(name)
            if name in grouping:
                raise DialectError.at(at, "A column can't be grouped by and aggregated at once: both go to one cell.")
            fn = _FUNCTIONS[word(function, at, _FUNCTIONS, "function")]
            if fn is Fn.COUNT:
                self._access.column(name, at)  # TanStack counts rows, with a value in the column or without
            self.question.add(
                "aggregates", {"fn": fn.value, "as": name} | ({} if fn is Fn.COUNT else {"col": name}), at
            )

    def _read_expanded(self) -> frozenset[str]:
        """Return the ids of the groups that are open by name."""
        raw = self._request.get("expanded")
        if raw in (None, True) or not self._request.get("grouping"):
            return frozenset()
        if not isinstance(raw, Mapping):
            raise DialectError.at("/expanded", "Expected true, or an object: row id to true.")
        return frozenset(_group_id(name) for name, is_open in raw.items() if flag(is_open, "/expanded" + pointer(name)))

    def _filter(self, raw: Any, at: str) -> Node | None:
        item = known_object(raw, at, ("id", "value"))
        col, value, value_at = text(item.get("id"), f"{at}/id"), item.get("value"), f"{at}/value"
        if value == "":
            self._access.column(col, f"{at}/id")
            return None
        if isinstance(value, Mapping):
            return self._typed(col, value, value_at, f"{at}/id")
        if isinstance(value, list):
            return self._range(col, value, value_at, f"{at}/id")
        if value is None:
            raise DialectError.at(value_at, 'Null says no filter. For rows without a value, send {"op": "blank"}.')
        column = self._access.by_id.get(col)
        op = Op.CONTAINS if isinstance(column, TextColumn) else Op.EQ
        return Leaf(col, op, typed_value(column, value), at=value_at, col_at=f"{at}/id")

    def _typed(self, col: str, raw: Mapping[str, Any], at: str, col_at: str) -> Node:
        """A condition in full: the operators are those of the grid's schema."""
        raw = known_object(raw, at, ("op", "value", "to", "ci"))
        op = Op(word(raw.get("op"), f"{at}/op", tuple(Op), "operator"))
        ci = raw.get("ci") is None or flag(raw["ci"], f"{at}/ci")
        leaf = Leaf(col, op, raw.get("value"), raw.get("to"), at, col_at, f"{at}/op", f"{at}/value", f"{at}/to", ci=ci)
        return any_of(leaf, self._access.by_id.get(col)) if op in WITH_LIST and isinstance(leaf.value, list) else leaf

    def _range(self, col: str, ends: list[Any], at: str, col_at: str) -> Node | None:
        """Two ends of a range; one that is null or empty is open."""
        if len(ends) != 2:
            raise DialectError.at(
                at, 'A list is the two ends of a range. For one of several values, send {"op": "in", "value": […]}.'
            )
        low, high = (None if end == "" else end for end in ends)
        if low is None and high is None:
            self._access.column(col, col_at)
            return None
        op = Op.BETWEEN if low is not None and high is not None else Op.LTE if low is None else Op.GTE
        first, low_at = (high, f"{at}/1") if op is Op.LTE else (low, f"{at}/0")
        to = high if op is Op.BETWEEN else None
        return Leaf(col, op, first, to, at, col_at=col_at, op_at=at, value_at=low_at, to_at=f"{at}/1")


def _group_id(name: str) -> str:
    """Return the id of a group; it is the path as JSON text, as an answer gave it."""
    try:
        if isinstance(json.loads(name), list):
            return name
    except ValueError as error:
        raise DialectError.at(
            "/expanded", "The ids of open groups must be their $id. Give getRowId: row.$id."
        ) from error
    raise DialectError.at("/expanded", "The ids of open groups must be their $id. Give getRowId: row.$id.")


DIALECT = Dialect("tanstack", "TanStack Table 8 and 9", TanStackReading)
