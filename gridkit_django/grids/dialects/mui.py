"""The data source of the MUI X Data Grid 8 and 9, with row grouping, aggregation and pivot of its Premium plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column, DateTimeColumn
from gridkit_django.grids.counting import Count, CountKind
from gridkit_django.grids.dialects.mui_pivot import AT as PIVOT_AT
from gridkit_django.grids.dialects.mui_pivot import FUNCTIONS, PivotModel, read_pivot_model
from gridkit_django.grids.dialects.questions import Join, Leaf, Node, Not, Question, joined
from gridkit_django.grids.dialects.reading import Ask, Dialect, Reading, exact_count, flat_row
from gridkit_django.grids.dialects.strictness import direction, join_word, known_object, plain_list, text, whole, word
from gridkit_django.grids.dialects.values import any_of, day_of_point, point_in_time, typed_value
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.groups import NOTHING_MORE
from gridkit_django.grids.operators import WITHOUT_VALUE, Op
from gridkit_django.grids.pointers import pointer
from gridkit_django.grids.rows import RowsPage, page_size
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import JSONValue, MutableJSONObject

_KEYS = (
    "start",
    "end",
    "paginationModel",
    "sortModel",
    "filterModel",
    "groupKeys",
    "groupFields",
    "aggregationModel",
    "pivotModel",
    "count",
)
GROUPING_COLUMN = "__row_group_by_columns_group__"
"""The field of the column in which MUI shows groups; one for each level has the level's field inside."""

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
        raw = self._request.get("pivotModel")
        self._pivot: PivotModel | None = None if raw is None else read_pivot_model(raw)
        self._groups = self._read_group_fields()
        self._read_window()
        self._read_sort()
        self._read_groups()
        self._read_filters()
        if self._request.get("count") is not None:
            self.question.put("count", self._request["count"], "/count")

    def answer(self, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Return ``rows``, ``rowCount`` (-1 when it is not exact), ``pageInfo``, and the ``aggregateRow`` asked for."""
        if self._pivot is not None:
            return self._pivoted(self._pivot, page, ask)
        answer = _told(page, {})
        return answer if page.totals is None else {**answer, "aggregateRow": page.totals}

    def _pivoted(self, pivot: PivotModel, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Tell a pivot. Columns are made by the outermost level: inside a group fewer values occur."""
        if not self._groups:
            page = replace(page, rows=(), window=replace(page.window, has_next=False), count=Count(0, CountKind.EXACT))
        answer = _told(page, pivot.names(page))
        if self._request.get("groupKeys"):
            return answer
        totals = page.totals or {}
        if pivot.goes_across:
            line = ask(self.question.query().with_changes(group=(), path=(), sort=(), include=NOTHING_MORE))
            names = pivot.names(line)
            totals = {names[field]: value for field, value in line.rows[0].data.items()}
        return {**answer, "pivotColumns": pivot.tree(page), "aggregateRow": totals}

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
        named: set[str] = set()
        for index, raw in enumerate(plain_list(self._request.get("sortModel"), "/sortModel")):
            at = f"/sortModel/{index}"
            item = known_object(raw, at, ("field", "sort"))
            if item.get("sort") is None:
                continue
            way = direction(item["sort"], f"{at}/sort")
            for name in self._sorted_columns(text(item.get("field"), f"{at}/field"), f"{at}/field"):
                if name not in named or name == item["field"]:
                    self.question.sort_by(name, way, at, col_at=f"{at}/field")
                named.add(name)

    def _sorted_columns(self, name: str, at: str) -> Sequence[str]:
        """Return the columns that a sort means: the column of groups stands for what is grouped by."""
        if name == GROUPING_COLUMN and not self._groups:
            raise DialectError.at(at, "The rows can't be sorted by the column of groups: they are not grouped.")
        if name == GROUPING_COLUMN:
            return self._groups
        start, end = GROUPING_COLUMN.removesuffix("_"), "__"
        inner = name.removeprefix(start).removesuffix(end)
        return [inner if name == f"{start}{inner}{end}" else name]

    def _read_group_fields(self) -> list[str]:
        """Return the columns that are grouped by; those of a pivot are its rows."""
        fields = [
            text(name, f"/groupFields/{index}")
            for index, name in enumerate(plain_list(self._request.get("groupFields"), "/groupFields"))
        ]
        if self._pivot is None:
            return fields
        if self._request.get("groupFields") is not None and fields != list(self._pivot.rows):
            raise DialectError.at("/groupFields", "Expected the rows of the pivot.")
        return list(self._pivot.rows)

    def _read_groups(self) -> None:
        fields, at = self._groups, f"{PIVOT_AT}/rows" if self._pivot else "/groupFields"
        keys = plain_list(self._request.get("groupKeys"), "/groupKeys")
        if len(keys) > len(fields):
            raise DialectError.at(
                "/groupKeys", "There are more keys than 'groupFields'. Trees of data have no dialect."
            )
        if self._pivot is not None and keys and len(keys) == len(fields):
            raise DialectError.at("/groupKeys", "Nothing is told of what is inside the innermost groups of a pivot.")
        for index, name in enumerate(fields):
            self.question.add("group", name, f"{at}/{index}")
        for index, (name, key) in enumerate(zip(fields, keys, strict=False)):
            self.question.add("path", typed_value(self._access.by_id.get(name), key), f"/groupKeys/{index}")
        if self._pivot is not None:
            self._pivot.put_into(self.question, self._access)
            if not keys and not self._pivot.goes_across:
                self.question.put("include", ["totals"], PIVOT_AT)
            return
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
            fn = FUNCTIONS[word(function, at, FUNCTIONS, "function")]
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


def _told(page: RowsPage, names: Mapping[str, str]) -> MutableJSONObject:
    """Return rows, number of rows and where the page lies; ``names`` are MUI's for the columns of a pivot."""
    info: MutableJSONObject = {"hasNextPage": page.window.has_next}
    if page.window.next is not None:
        info["nextCursor"] = page.window.next
    count = exact_count(page)
    rows: list[JSONValue] = [{names.get(key, key): value for key, value in flat_row(row).items()} for row in page.rows]
    return {"rows": rows, "rowCount": -1 if count is None else count, "pageInfo": info}


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
