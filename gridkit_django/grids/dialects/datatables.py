"""DataTables 2 and 3 with server-side processing, and its extension ColumnControl."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import TextColumn
from gridkit_django.grids.dialects.questions import Leaf, Node, Question, joined
from gridkit_django.grids.dialects.reading import Ask, Dialect, Reading, ask_for_all, flat_row, refuse_remainder
from gridkit_django.grids.dialects.strictness import direction, known_object, plain_list, text, whole, word
from gridkit_django.grids.dialects.values import any_of, typed_value
from gridkit_django.grids.operators import WITHOUT_VALUE, Op
from gridkit_django.grids.query import CountMode
from gridkit_django.grids.rows import RowsPage
from gridkit_django.typing import MutableJSONObject

_KEYS = ("draw", "columns", "order", "start", "length", "search")
_LOGIC = {
    "contains": Op.CONTAINS,
    "notContains": Op.NCONTAINS,
    "equal": Op.EQ,
    "notEqual": Op.NE,
    "starts": Op.STARTS,
    "ends": Op.ENDS,
    "greater": Op.GT,
    "greaterOrEqual": Op.GTE,
    "less": Op.LT,
    "lessOrEqual": Op.LTE,
    "empty": Op.BLANK,
    "notEmpty": Op.NBLANK,
}
ALL = -1
"""The length that means all rows."""


class DataTablesReading(Reading):
    """A request of DataTables that was understood.

    What the browser says of a column's being searchable or orderable plays no part: the grid says that.

    Args:
        request: the request's JSON.
        access: the grid and the user.

    Raises:
        DialectError: for what is not understood, a regular expression among it.
    """

    def __init__(self, request: Any, access: GridAccess) -> None:
        super().__init__(Question())
        self._request = known_object(request, "", _KEYS)
        self._access = access
        self._draw = whole(_number(self._request.get("draw", 0)), "/draw")
        self._columns = self._read_columns()
        self._length = _number(self._request.get("length", ALL))
        self._read_window()
        self._read_order()
        search = self._request.get("search")
        nodes = self._groups(search) if search is not None else []
        nodes += [node for index in range(len(self._columns)) for node in self._column_filters(index)]
        self.question.filter_by(joined("and", nodes, "/columns"))
        if search is not None:
            self._read_search(search)
        self.question.put("count", CountMode.EXACT.value, "")

    def answer(self, page: RowsPage, ask: Ask) -> MutableJSONObject:
        """Return ``draw``, ``recordsTotal``, ``recordsFiltered`` and ``data``; each row has ``DT_RowId``, too."""
        if self._length == ALL:
            refuse_remainder(page, "/length")
        query = self.question.query()
        filtered = page.count.value
        total = filtered
        if query.filter is not None or query.search:
            total = ask.count(query.with_changes(filter=None, search=""))
        return {
            "draw": self._draw,
            "recordsTotal": total,
            "recordsFiltered": filtered,
            "data": [{"DT_RowId": str(row.id), **flat_row(row)} for row in page.rows],
        }

    def _read_columns(self) -> list[str | None]:
        """Return the id of the column at each place; None for one without data, like a column of buttons."""
        found: list[str | None] = []
        for index, raw in enumerate(plain_list(self._request.get("columns"), "/columns")):
            at = f"/columns/{index}"
            known = ("data", "name", "searchable", "orderable", "search", "columnControl")
            data = known_object(raw, at, known).get("data")
            found.append(None if data in (None, "") else text(data, f"{at}/data"))
            if found[-1] is not None and found[-1] not in found[:-1]:
                self.question.add("columns", found[-1], f"{at}/data")
        return found

    def _read_window(self) -> None:
        start = whole(_number(self._request.get("start", 0)), "/start")
        if self._length != ALL:
            end = start + whole(self._length, "/length")
            self.question.offset(start, end, start_at="/start", end_at="/length")
        elif start == 0:
            ask_for_all(self.question, "/length")
        else:
            raise DialectError.at("/start", "A request for all rows starts at 0.")

    def _read_order(self) -> None:
        for index, raw in enumerate(plain_list(self._request.get("order"), "/order")):
            at = f"/order/{index}"
            item = known_object(raw, at, ("column", "dir", "name"))
            name = self._column(_number(item.get("column")), f"{at}/column")
            if item.get("dir") != "":
                self.question.sort_by(name, direction(item.get("dir"), f"{at}/dir"), at, col_at=f"{at}/column")

    def _column(self, place: Any, at: str) -> str:
        """Return the id of the column at a place of the list of columns."""
        index = whole(place, at)
        name = self._columns[index] if index < len(self._columns) else None
        if name is None:
            raise DialectError.at(at, "There is no column with data at this place of 'columns'.")
        return name

    def _read_search(self, raw: Any) -> None:
        search = _search(raw, "/search")
        words = [_term(search.get("value"), "/search/value")]
        for index, item in enumerate(plain_list(search.get("fixed"), "/search/fixed")):
            words.append(_fixed(item, f"/search/fixed/{index}"))
        sought = " ".join(word for word in words if word.strip())
        if sought:
            self.question.put("search", sought, "/search/value")

    def _groups(self, raw: Any) -> list[Node | None]:
        """Searches in some columns together: each word in one of them at least."""
        search = _search(raw, "/search")
        nodes: list[Node | None] = []
        for key, known in (("groups", ("columns", "term")), ("groupsFixed", ("columns", "name", "term"))):
            for index, raw_group in enumerate(plain_list(search.get(key), f"/search/{key}")):
                at = f"/search/{key}/{index}"
                group = known_object(raw_group, at, known)
                places = enumerate(plain_list(group.get("columns"), f"{at}/columns"))
                names = [
                    (self._column(_number(place), f"{at}/columns/{i}"), f"{at}/columns/{i}") for i, place in places
                ]
                term = _term(group.get("term"), f"{at}/term", functions=True)
                for part in term.split():
                    found = [self._found(name, part, f"{at}/term", name_at) for name, name_at in names]
                    nodes.append(joined("or", found, at))
        return nodes

    def _column_filters(self, index: int) -> list[Node | None]:
        at = f"/columns/{index}"
        raw = self._request["columns"][index]
        nodes: list[Node | None] = []
        if raw.get("search") is not None:
            search = _search(raw["search"], f"{at}/search", grouped=False)
            terms = [(_term(search.get("value"), f"{at}/search/value"), f"{at}/search/value")]
            for place, item in enumerate(plain_list(search.get("fixed"), f"{at}/search/fixed")):
                terms.append((_fixed(item, f"{at}/search/fixed/{place}"), f"{at}/search/fixed/{place}"))
            nodes += [self._found(self._column(index, at), term, place, at) for term, place in terms if term]
        if raw.get("columnControl") is not None:
            nodes += self._controls(index, raw["columnControl"], f"{at}/columnControl")
        return nodes

    def _found(self, name: str, term: str, at: str, name_at: str) -> Node:
        """The word is in a text; a column of other values holds exactly it."""
        column = self._access.by_id.get(name)
        op = Op.CONTAINS if column is None or isinstance(column, TextColumn) else Op.EQ
        return Leaf(name, op, typed_value(column, term), at=at, col_at=name_at)

    def _controls(self, index: int, raw: Any, at: str) -> list[Node | None]:
        """The search and the list of values of ColumnControl."""
        controls = known_object(raw, at, ("search", "list"))
        nodes: list[Node | None] = []
        if controls.get("search") is not None:
            search = known_object(controls["search"], f"{at}/search", ("value", "logic", "type", "mask"))
            nodes.append(self._control(index, search, f"{at}/search"))
        listed = controls.get("list")
        if listed:
            values = list(listed.values()) if isinstance(listed, Mapping) else list(plain_list(listed, f"{at}/list"))
            name = self._column(index, at)
            leaf = Leaf(name, Op.IN, values, at=f"{at}/list", col_at=f"/columns/{index}/data")
            nodes.append(any_of(leaf, self._access.by_id.get(name)))
        return nodes

    def _control(self, index: int, search: Mapping[str, Any], at: str) -> Node | None:
        value = _term(search.get("value"), f"{at}/value")
        op = _LOGIC[word(search.get("logic"), f"{at}/logic", _LOGIC, "logic")]
        if search.get("mask") not in (None, ""):
            raise DialectError.at(f"{at}/mask", "Masks of dates are not understood.")
        if op in WITHOUT_VALUE:
            value = ""
        elif not value:
            return None
        name = self._column(index, at)
        value = typed_value(self._access.by_id.get(name), value)
        return Leaf(name, op, value, None, at, f"/columns/{index}/data", f"{at}/logic", f"{at}/value")


def _search(raw: Any, at: str, *, grouped: bool = True) -> Mapping[str, Any]:
    """Return a search, and refuse regular expressions: a database and a browser read them differently."""
    search = known_object(raw, at, ("value", "regex", "fixed", *(("groups", "groupsFixed") if grouped else ())))
    if search.get("regex") not in (None, False, "false"):
        raise DialectError.at(f"{at}/regex", "Regular expressions are not understood. Search for words.")
    return search


def _fixed(raw: Any, at: str) -> str:
    return _term(known_object(raw, at, ("name", "term")).get("term"), f"{at}/term", functions=True)


def _term(raw: Any, at: str, *, functions: bool = False) -> str:
    """Return what is searched for; a function of the browser arrives as the word ``function``."""
    if raw is None:
        return ""
    if functions and raw == "function":
        raise DialectError.at(at, "A function of the browser can't be carried out here.")
    return text(raw, at)


def _number(raw: Any) -> Any:
    """Return the number that a form writes as text; anything else as it is."""
    return int(raw) if isinstance(raw, str) and raw.removeprefix("-").isdecimal() and len(raw) < 16 else raw


DIALECT = Dialect("datatables", "DataTables 2 and 3", DataTablesReading)
