"""The Server-Side Row Model of AG Grid 36: its request and what its success callback takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.dialects.aggrid_filters import FilterReader
from gridkit_django.grids.dialects.questions import Question
from gridkit_django.grids.dialects.reading import (
    BLANKS,
    ID,
    Ask,
    Dialect,
    Reading,
    ask_for_all,
    exact_count,
    flat_row,
    refuse_remainder,
    scalar_text,
)
from gridkit_django.grids.dialects.strictness import direction, flag, known_object, plain_list, text, word
from gridkit_django.grids.dialects.values import typed_value
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.groups import NOTHING_MORE
from gridkit_django.grids.rows import Row, RowsPage
from gridkit_django.typing import JSONValue, MutableJSONObject

AUTO_COLUMN = "ag-Grid-AutoColumn"
"""The id of the column in which AG Grid shows groups; one for each level has the level's id behind a hyphen."""

SEPARATOR = "_"

_KEYS = (
    "startRow",
    "endRow",
    "rowGroupCols",
    "valueCols",
    "pivotCols",
    "pivotMode",
    "groupKeys",
    "filterModel",
    "sortModel",
    "needsGrandTotal",
    "quickFilterText",
    "serverSidePivotResultFieldSeparator",
)
_FUNCTIONS = {"sum": Fn.SUM, "avg": Fn.AVG, "min": Fn.MIN, "max": Fn.MAX, "count": Fn.COUNT}


class AgGridReading(Reading):
    """A request of AG Grid that was understood.

    Args:
        request: the request's JSON.
        access: the grid and the user.

    Raises:
        DialectError: for what is not understood.
    """

    def __init__(self, request: Any, access: GridAccess) -> None:
        super().__init__(Question())
        self._request = known_object(request, "", _KEYS)
        self._access = access
        self._groups = self._columns("rowGroupCols")
        self._path = plain_list(self._request.get("groupKeys"), "/groupKeys")
        self._values = self._columns("valueCols")
        self._pivots = self._columns("pivotCols") if flag(self._request.get("pivotMode"), "/pivotMode") else []
        self._separator = self._read_separator()
        self._read_window()
        self._read_groups()
        self._read_figures()
        self._read_sort()
        self.question.filter_by(FilterReader(access).read(self._request.get("filterModel"), "/filterModel"))
        if self._request.get("quickFilterText") is not None:
            self.question.put("search", self._request["quickFilterText"], "/quickFilterText")

    @property
    def _is_total_line(self) -> bool:
        """Whether pivot mode shows one line of totals: there is nothing to group or to pivot by."""
        return bool(self._request.get("pivotMode")) and not self._groups and not self._pivots

    def answer(self, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Return what ``params.success`` takes. ``rowCount`` is there only when it is exact."""
        if self._is_total_line:
            return {"rowData": [{ID: "[]", **(page.totals or {})}], "rowCount": 1}
        if self._request.get("endRow") is None:
            refuse_remainder(page, "/endRow")
        names = self._pivot_names(page)
        answer: MutableJSONObject = {"rowData": [_renamed(row, names) for row in page.rows]}
        count = exact_count(page)
        if count is not None:
            answer["rowCount"] = count
        if names is not None and not self._path:
            # Columns are made by the outermost level: inside a group fewer values occur.
            answer["pivotResultFields"] = list(names.values())
        if self._request.get("needsGrandTotal"):
            answer["grandTotalData"] = self._grand_total(page, ask, names)
        return answer

    def _grand_total(self, page: RowsPage, ask: Ask, names: Mapping[str, str] | None) -> MutableJSONObject:
        totals = dict(page.totals or {})
        if names is None:
            return totals
        line = ask(self.question.query().with_changes(group=(), path=(), sort=(), include=NOTHING_MORE))
        known = {**names, **(self._pivot_names(line) or {})}
        return {**totals, **{known[field]: value for field, value in line.rows[0].data.items()}}

    def _columns(self, key: str) -> list[Mapping[str, Any]]:
        """Read columns that the grid groups, aggregates or pivots by."""
        at = f"/{key}"
        items = enumerate(plain_list(self._request.get(key), at))
        columns = [known_object(item, f"{at}/{i}", ("id", "displayName", "field", "aggFunc")) for i, item in items]
        for index, column in enumerate(columns):
            text(_name(column), f"{at}/{index}/id")
        return columns

    def _read_separator(self) -> str:
        raw = self._request.get("serverSidePivotResultFieldSeparator")
        separator = SEPARATOR if raw is None else text(raw, "/serverSidePivotResultFieldSeparator")
        if not 0 < len(separator) <= 10:
            raise DialectError.at("/serverSidePivotResultFieldSeparator", "Expected 1 to 10 characters.")
        return separator

    def _read_window(self) -> None:
        start, end = self._request.get("startRow"), self._request.get("endRow")
        if self._is_total_line:
            self.question.cursor(1, size_at="/pivotMode")
        elif end is not None:
            self.question.offset(0 if start is None else start, end, start_at="/startRow", end_at="/endRow")
        elif start in (None, 0):
            ask_for_all(self.question, "/endRow")
        else:
            raise DialectError.at("/endRow", "A request with 'startRow' needs an 'endRow', too.")

    def _read_groups(self) -> None:
        if len(self._path) > len(self._groups):
            raise DialectError.at("/groupKeys", "There are more keys than columns in 'rowGroupCols'.")
        for index, column in enumerate(self._groups):
            self.question.add("group", _name(column), f"/rowGroupCols/{index}")
        for index, (column, key) in enumerate(zip(self._groups, self._path, strict=False)):
            value = typed_value(self._access.by_id.get(_name(column)), key)
            self.question.add("path", value, f"/groupKeys/{index}")

    def _read_figures(self) -> None:
        """Figures are told under the ids of their columns, where AG Grid looks for them."""
        level = len(self._path)
        shown = _name(self._groups[level]) if level < len(self._groups) else None
        for index, column in enumerate(self._values):
            at, name = f"/valueCols/{index}", _name(column)
            if name == shown:
                raise DialectError.at(at, "A column can't be grouped by and aggregated at once: both go to one cell.")
            function = _FUNCTIONS[word(column.get("aggFunc"), f"{at}/aggFunc", _FUNCTIONS, "function")]
            item: MutableJSONObject = {"fn": function.value, "as": name}
            if function is Fn.COUNT:
                self._access.column(name, at)  # AG Grid counts rows, with a value in the column or without
            else:
                item["col"] = name
            self.question.add("aggregates", item, at, fn=f"{at}/aggFunc")
        if self._values:
            for index, column in enumerate(self._pivots):
                self.question.add("pivot/cols", _name(column), f"/pivotCols/{index}")
        if self._is_total_line or flag(self._request.get("needsGrandTotal"), "/needsGrandTotal"):
            self.question.put("include", ["totals"], "/needsGrandTotal")

    def _read_sort(self) -> None:
        named: set[str] = set()
        for index, raw in enumerate(plain_list(self._request.get("sortModel"), "/sortModel")):
            at = f"/sortModel/{index}"
            item = known_object(raw, at, ("colId", "sort", "type"))
            if item.get("type") not in (None, "default"):
                raise DialectError.at(f"{at}/type", "Only the sort type 'default' is understood.")
            way = direction(item.get("sort"), f"{at}/sort")
            for name in self._sorted_columns(text(item.get("colId"), f"{at}/colId"), f"{at}/colId"):
                if name not in named or not item["colId"].startswith(AUTO_COLUMN):
                    self.question.sort_by(name, way, at, col_at=f"{at}/colId")
                named.add(name)

    def _sorted_columns(self, name: str, at: str) -> list[str]:
        """Return the columns that a sort means: the column of groups stands for what is grouped by."""
        if name == AUTO_COLUMN and not self._groups:
            raise DialectError.at(at, "The rows can't be sorted by the column of groups: they are not grouped.")
        if name == AUTO_COLUMN:
            return [_name(column) for column in self._groups]
        return [name.removeprefix(f"{AUTO_COLUMN}-")]

    def _pivot_names(self, page: RowsPage) -> dict[str, str] | None:
        """Return the engine's name of each pivoted column with AG Grid's: keys and figure, with a separator between.

        Raises:
            DialectError: when the separator stands in a key or figure, so that AG Grid would cut there; and when a
                value reads as the rows without a value do.
        """
        if page.pivot_fields is None:
            return None
        names: dict[str, str] = {}
        for field in page.pivot_fields:
            made: Any = field
            parts = [*(_key_text(key) for key in made["keys"]), made["value"]]
            if any(self._separator in part for part in parts):
                raise DialectError.at(
                    "/serverSidePivotResultFieldSeparator",
                    f"The separator {self._separator!a} stands in a value or a column id. Give the grid option "
                    "serverSidePivotResultFieldSeparator another text, and send it with the request.",
                )
            names[made["field"]] = self._separator.join(parts)
        if len(set(names.values())) < len(names):
            raise DialectError.at("/pivotCols", f"The value {BLANKS!a} can't be told from the rows without a value.")
        return names


def _name(column: Mapping[str, Any]) -> Any:
    """Return the column that is meant: AG Grid reads cells by ``field``, and its ``id`` may be a made-up one."""
    return column.get("field") or column.get("id")


def _key_text(key: JSONValue) -> str:
    return BLANKS if key is None else scalar_text(key)


def _renamed(row: Row, names: Mapping[str, str] | None) -> MutableJSONObject:
    return {(names or {}).get(key, key): value for key, value in flat_row(row).items()}


DIALECT = Dialect("aggrid", "AG Grid 36, Server-Side Row Model", AgGridReading)
