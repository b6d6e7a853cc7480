"""The data source of the MUI X Data Grid 8 and 9, with row grouping and aggregation of its Premium plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column, DateTimeColumn
from gridkit_django.grids.dialects.questions import Join, Leaf, Node, Not, Question, joined
from gridkit_django.grids.dialects.reading import Ask, Dialect, Reading, exact_count, flat_row
from gridkit_django.grids.dialects.strictness import direction, join_word, known_object, plain_list, text, whole, word
from gridkit_django.grids.dialects.values import any_of, day_of_point, point_in_time, typed_value
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.operators import WITHOUT_VALUE, Op
from gridkit_django.grids.pointers import pointer
from gridkit_django.grids.rows import RowsPage, page_size
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import MutableJSONObject

_KEYS = (
    "start",
    "end",
    "paginationModel",
    "sortModel",
    "filterModel",
    "groupKeys",
    "groupFields",
    "aggregationModel",
    "count",
)
_FILTER_KEYS = (
    "items",
    "logicOperator",
    "quickFilterValues",
    "quickFilterLogicOperator",
    "quickFilterExcludeHiddenColumns",
)
_OPS = {
    "contains": Op.CONTAINS,
    "doesNotContain": Op.NCONTAINS,
    "equals": Op.EQ,
    "doesNotEqual": Op.NE,
    "startsWith": Op.STARTS,
    "endsWith": Op.ENDS,
    "=": Op.EQ,
    "!=": Op.NE,
    ">": Op.GT,
    ">=": Op.GTE,
    "<": Op.LT,
    "<=": Op.LTE,
    "is": Op.EQ,
    "not": Op.NE,
    "after": Op.GT,
    "onOrAfter": Op.GTE,
    "before": Op.LT,
    "onOrBefore": Op.LTE,
    "isEmpty": Op.BLANK,
    "isNotEmpty": Op.NBLANK,
    "isAnyOf": Op.IN,
}
_TRIMMED = frozenset({"contains", "doesNotContain", "equals", "doesNotEqual", "startsWith", "endsWith"})
_FUNCTIONS = {"sum": Fn.SUM, "avg": Fn.AVG, "min": Fn.MIN, "max": Fn.MAX, "size": Fn.COUNT}
_MINUTE = timedelta(minutes=1)


class MuiReading(Reading):
    """A request of the MUI X Data Grid that was understood.

    Args:
        request: the ``GridGetRowsParams`` as JSON.
        access: the grid and the user.

    Raises:
        DialectError: for what is not understood.
    """

    def __init__(self, request: Any, access: GridAccess) -> None:
        super().__init__(Question())
        self._request = known_object(request, "", _KEYS)
        self._access = access
        self._read_window()
        self._read_sort()
        self._read_groups()
        self._read_filters()
        if self._request.get("count") is not None:
            self.question.put("count", self._request["count"], "/count")

    def answer(self, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Return ``rows``, ``rowCount`` (-1 when it is not exact), ``pageInfo``, and the ``aggregateRow`` asked for."""
        del ask
        info: MutableJSONObject = {"hasNextPage": page.window.has_next}
        if page.window.next is not None:
            info["nextCursor"] = page.window.next
        count = exact_count(page)
        answer: MutableJSONObject = {
            "rows": [flat_row(row) for row in page.rows],
            "rowCount": -1 if count is None else count,
            "pageInfo": info,
        }
        return answer if page.totals is None else {**answer, "aggregateRow": page.totals}

    def _read_window(self) -> None:
        """``end`` is the index of the last row. A ``start`` that is a text is the cursor of an earlier answer."""
        start, end = self._request.get("start"), self._request.get("end")
        model = self._request.get("paginationModel")
        paging = None if model is None else known_object(model, "/paginationModel", ("page", "pageSize"))
        size_at = "/paginationModel/pageSize"
        if isinstance(start, str):
            size = page_size(self._access) if paging is None else paging.get("pageSize")
            self.question.cursor(size, size_at=size_at, after=start, after_at="/start")
        elif start is not None:
            last = whole(end, "/end")
            self.question.offset(whole(start, "/start"), last + 1, start_at="/start", end_at="/end")
        elif paging is not None:
            index, size = whole(paging.get("page"), "/paginationModel/page"), whole(paging.get("pageSize"), size_at)
            first_at = "/paginationModel/page"
            self.question.offset(index * size, (index + 1) * size, start_at=first_at, end_at=size_at)
        else:
            raise DialectError("Expected 'start' and 'end', or 'paginationModel'.")

    def _read_sort(self) -> None:
        for index, raw in enumerate(plain_list(self._request.get("sortModel"), "/sortModel")):
            at = f"/sortModel/{index}"
            item = known_object(raw, at, ("field", "sort"))
            if item.get("sort") is not None:
                way = direction(item["sort"], f"{at}/sort")
                self.question.sort_by(item.get("field"), way, at, col_at=f"{at}/field")

    def _read_groups(self) -> None:
        fields = plain_list(self._request.get("groupFields"), "/groupFields")
        keys = plain_list(self._request.get("groupKeys"), "/groupKeys")
        if len(keys) > len(fields):
            raise DialectError.at(
                "/groupKeys", "There are more keys than 'groupFields'. Trees of data have no dialect."
            )
        for index, name in enumerate(fields):
            self.question.add("group", text(name, f"/groupFields/{index}"), f"/groupFields/{index}")
        for index, (name, key) in enumerate(zip(fields, keys, strict=False)):
            self.question.add("path", typed_value(self._access.by_id.get(name), key), f"/groupKeys/{index}")
        self._read_figures(fields[len(keys)] if len(keys) < len(fields) else None, is_root=not keys)

    def _read_figures(self, shown: str | None, *, is_root: bool) -> None:
        model = self._request.get("aggregationModel")
        if not model:
            return
        if not isinstance(model, Mapping):
            raise DialectError.at("/aggregationModel", "Expected an object: field to the name of a function.")
        for name, function in model.items():
            at = "/aggregationModel" + pointer(name)
            if name == shown:
                raise DialectError.at(at, "A column can't be grouped by and aggregated at once: both go to one cell.")
            fn = _FUNCTIONS[word(function, at, _FUNCTIONS, "function")]
            item: MutableJSONObject = {"fn": fn.value, "as": name}
            if fn is Fn.COUNT:
                self._access.column(name, at)  # the size of a group counts rows, with a value in the column or without
            else:
                item["col"] = name
            self.question.add("aggregates", item, at)
        if is_root:
            self.question.put("include", ["totals"], "/aggregationModel")

    def _read_filters(self) -> None:
        raw = self._request.get("filterModel")
        if raw is None:
            return
        model = known_object(raw, "/filterModel", _FILTER_KEYS)
        kind = join_word(model.get("logicOperator") or "and", "/filterModel/logicOperator")
        items = enumerate(plain_list(model.get("items"), "/filterModel/items"))
        nodes = [self._item(item, f"/filterModel/items/{index}") for index, item in items]
        self.question.filter_by(joined(kind, nodes, "/filterModel/items"))
        self._read_quick_filter(model)

    def _read_quick_filter(self, model: Mapping[str, Any]) -> None:
        """Every value must be found somewhere; the search has no way to say that one of them is enough."""
        at = "/filterModel/quickFilterValues"
        values = [
            text(str(value) if _is_number(value) else value, f"{at}/{index}")
            for index, value in enumerate(plain_list(model.get("quickFilterValues"), at))
        ]
        for index, value in enumerate(values):
            if len(value.split()) > 1:
                raise DialectError.at(f"{at}/{index}", "A quick filter value must be one word; send several values.")
        way_at = "/filterModel/quickFilterLogicOperator"
        if join_word(model.get("quickFilterLogicOperator") or "and", way_at) == "or" and len(values) > 1:
            raise DialectError.at(way_at, "The search finds rows that hold all words; 'or' is not understood.")
        if any(value.strip() for value in values):
            self.question.put("search", " ".join(values), at)

    def _item(self, raw: Any, at: str) -> Node | None:
        item = known_object(raw, at, ("id", "field", "operator", "value", "fromInput"))
        name = word(item.get("operator"), f"{at}/operator", _OPS, "operator")
        col = text(item.get("field"), f"{at}/field")
        op, value = _OPS[name], item.get("value")
        column = self._access.by_id.get(col)
        leaf = Leaf(col, op, value, None, at, f"{at}/field", f"{at}/operator", f"{at}/value")
        if op in WITHOUT_VALUE:
            return replace(leaf, value=None)
        if value in (None, "", []):
            self._access.column(col, leaf.col_at)  # the grid shows all rows until a value is typed
            return None
        if op is Op.IN:
            if not isinstance(value, list):
                raise DialectError.at(leaf.value_at, "Expected a list.")
            return any_of(leaf, column)
        if name in _TRIMMED and isinstance(value, str):
            value = value.strip()
        value = typed_value(column, day_of_point(column, value, zone_of(self._access)))
        return _within_minute(replace(leaf, value=value), column)


def _within_minute(leaf: Leaf, column: Column | None) -> Node:
    """A point in time is picked to the minute, so that "is" means any moment of that minute."""
    point = point_in_time(leaf.value)
    if not isinstance(column, DateTimeColumn) or point is None or leaf.op not in (Op.EQ, Op.NE):
        return leaf
    first = point.replace(second=0, microsecond=0)
    ends = ((Op.GTE, first), (Op.LT, first + _MINUTE))
    minute = Join("and", tuple(replace(leaf, op=op, value=end.isoformat()) for op, end in ends), leaf.at)
    return minute if leaf.op is Op.EQ else Not(minute, leaf.at)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


DIALECT = Dialect("mui", "MUI X Data Grid 8 and 9", MuiReading)
