"""Tabulator 6 with remote pages, sorting and filters."""

from __future__ import annotations

from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.dialects.questions import Leaf, Node, Question, joined
from gridkit_django.grids.dialects.reading import Ask, Dialect, Reading, ask_for_all, flat_row, refuse_remainder
from gridkit_django.grids.dialects.strictness import direction, flag, known_object, plain_list, text, whole, word
from gridkit_django.grids.dialects.values import any_of, typed_value
from gridkit_django.grids.operators import Op
from gridkit_django.grids.query import CountMode
from gridkit_django.grids.rows import RowsPage, page_size
from gridkit_django.typing import MutableJSONObject

_OPS = {
    "=": Op.EQ,
    "!=": Op.NE,
    "<": Op.LT,
    "<=": Op.LTE,
    ">": Op.GT,
    ">=": Op.GTE,
    "like": Op.CONTAINS,
    "starts": Op.STARTS,
    "ends": Op.ENDS,
    "in": Op.IN,
    "keywords": Op.CONTAINS,
}


class TabulatorReading(Reading):
    """A request of Tabulator that was understood.

    Args:
        request: the request's JSON.
        access: the grid and the user.

    Raises:
        DialectError: for what is not understood.
    """

    def __init__(self, request: Any, access: GridAccess) -> None:
        super().__init__(Question())
        self._request = known_object(request, "", ("page", "size", "sort", "filter", "sortOrderReverse"))
        self._access = access
        self._size = self._read_size()
        self._read_window()
        self._read_sort()
        self.question.filter_by(self._filters(self._request.get("filter"), "/filter", "and"))
        self.question.put("count", CountMode.EXACT.value, "")

    def answer(self, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Return ``data``, ``last_page`` and ``last_row``; Tabulator's pages need the exact number of rows."""
        del ask
        if self._size is None:
            refuse_remainder(page, "/size")
        total = page.count.value or 0
        return {
            "data": [flat_row(row) for row in page.rows],
            "last_page": 1 if self._size is None else max(1, -(-total // self._size)),
            "last_row": total,
        }

    def _read_size(self) -> int | None:
        """Return the rows of a page, or None for all: ``true`` is the choice "All" of Tabulator's page sizes."""
        size = self._request.get("size")
        if size is True or (size is None and self._request.get("page") is None):
            return None
        return page_size(self._access) if size is None else whole(size, "/size")

    def _read_window(self) -> None:
        page = 1 if self._request.get("page") is None else whole(self._request["page"], "/page")
        if self._size is None and page <= 1:
            ask_for_all(self.question, "/size")
            return
        if page < 1 or self._size is None:
            raise DialectError.at("/page", "Expected a page from 1 on; all rows are one page.")
        self.question.offset((page - 1) * self._size, page * self._size, start_at="/page", end_at="/size")

    def _read_sort(self) -> None:
        """The last sorter in the list counts most, as in Tabulator's own sorting, save with ``sortOrderReverse``."""
        items = list(enumerate(plain_list(self._request.get("sort"), "/sort")))
        ordered = items if flag(self._request.get("sortOrderReverse"), "/sortOrderReverse") else items[::-1]
        for index, raw in ordered:
            at = f"/sort/{index}"
            item = known_object(raw, at, ("field", "dir"))
            self.question.sort_by(item.get("field"), direction(item.get("dir"), f"{at}/dir"), at, col_at=f"{at}/field")

    def _filters(self, raw: Any, at: str, kind: str) -> Node | None:
        """The outer list means all of them; a list inside means any of them."""
        nodes = [
            self._filters(item, f"{at}/{index}", "or")
            if isinstance(item, list)
            else self._filter(item, f"{at}/{index}")
            for index, item in enumerate(plain_list(raw, at))
        ]
        return joined("or" if kind == "or" else "and", nodes, at)

    def _filter(self, raw: Any, at: str) -> Node | None:
        item = known_object(raw, at, ("field", "type", "value"))
        kind = word(item.get("type"), f"{at}/type", _OPS, "type of filter")
        col, value = text(item.get("field"), f"{at}/field"), item.get("value")
        column = self._access.by_id.get(col)
        leaf = Leaf(
            col,
            _OPS[kind],
            typed_value(column, value),
            at=at,
            col_at=f"{at}/field",
            op_at=f"{at}/type",
            value_at=f"{at}/value",
        )
        if kind == "in":
            return self._one_of(leaf)
        if kind == "keywords":
            words = text(value, leaf.value_at).split()
            self._access.column(col, leaf.col_at)
            return joined("or", [_with(leaf, Op.CONTAINS, part) for part in words], at)
        if value is None and kind in ("=", "!="):
            return _with(leaf, Op.BLANK if kind == "=" else Op.NBLANK, None)
        return leaf

    def _one_of(self, leaf: Leaf) -> Node | None:
        """One of some values; with none chosen, Tabulator shows all rows."""
        if not isinstance(leaf.value, list):
            raise DialectError.at(leaf.value_at, "Expected a list.")
        if not leaf.value:
            self._access.column(leaf.col, leaf.col_at)
            return None
        return any_of(leaf, self._access.by_id.get(leaf.col))


def _with(leaf: Leaf, op: Op, value: Any) -> Leaf:
    return Leaf(leaf.col, op, value, None, leaf.at, leaf.col_at, leaf.op_at, leaf.value_at)


DIALECT = Dialect("tabulator", "Tabulator 6", TabulatorReading)
