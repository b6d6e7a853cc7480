"""What a change list shows, told as a question to a grid: its filters, its search and its order.

What can't be told is named, never guessed at; and what was told is held against the list before it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.admin import FieldListFilter
from django.contrib.admin.views.main import ChangeList
from django.db import connections
from django.db.models import Exists, F, Model, OrderBy, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext as _

from gridkit_django.exceptions import FilterValueError, QueryError
from gridkit_django.grids import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.operators import WITH_CASE, Op
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import matching_rows
from gridkit_django.typing import JSONValue, MutableJSONObject

_OPS: Mapping[str, Op] = {
    "exact": Op.EQ,
    "iexact": Op.EQ,
    "in": Op.IN,
    "lt": Op.LT,
    "lte": Op.LTE,
    "gt": Op.GT,
    "gte": Op.GTE,
    "contains": Op.CONTAINS,
    "icontains": Op.CONTAINS,
    "startswith": Op.STARTS,
    "istartswith": Op.STARTS,
    "endswith": Op.ENDS,
    "iendswith": Op.ENDS,
}
_SEARCHES = {"^": "istartswith", "=": "iexact", "@": "search"}
_TRUE, _FALSE = ("1", "true"), ("0", "false")


@dataclass(frozen=True, slots=True)
class ListQuestion:
    """What a list shows, in the words of a grid.

    Attributes:
        query: filter and order, as far as they can be told.
        untold: what of filters and search can't be told to the grid, in words of the page.
        is_ordered: the order of the list is told; if not, rows come in that of the grid.
    """

    query: GridQuery
    untold: tuple[str, ...]
    is_ordered: bool


def list_question(changes: ChangeList, request: HttpRequest, access: GridAccess) -> ListQuestion:
    """Tell a grid what a change list shows.

    Args:
        changes: the list, with the filters, words and order that the page's address says.
        request: the request for it.
        access: the grid as the user may see it: what it hides can't be told.
    """
    words = _Words(access)
    nodes: list[JSONValue] = []
    untold = []
    specs, _any, left = changes.get_filters(request)[:3]
    for spec in specs:
        used: dict[str, Any] = spec.used_parameters
        # A filter that is no filter of fields has an effect of its own for every value, also for none.
        told = words.lookups(used) if isinstance(spec, FieldListFilter) else None if used else []
        if told is None:
            untold.append(str(spec.title))
        nodes += told or []
    for key, value in left.items():
        told = words.lookups({key: value})
        if told is None:
            untold.append(key)
        nodes += told or []
    searched = words.search(changes.query, changes.model_admin.get_search_fields(request))
    if searched is None:
        untold.append(_("the search"))
    sort = words.order(changes.get_ordering(request, changes.root_queryset))
    asked: MutableJSONObject = {"sort": sort or []}
    if nodes := [*nodes, *(searched or [])]:
        asked["filter"] = nodes[0] if len(nodes) == 1 else {"and": nodes}
    try:
        query = GridQuery.from_dict(asked)
        matching_rows(access, query)
    except QueryError as error:
        return ListQuestion(GridQuery(), (*untold, error.detail), is_ordered=False)
    return ListQuestion(query, tuple(untold), is_ordered=sort is not None)


def agrees(access: GridAccess, query: GridQuery, listed: QuerySet[Model]) -> bool:
    """Whether a question gives no row that the list lacks, and all of the list that the user may see in the grid.

    Raises:
        QueryError: when the grid can't answer the question.
    """
    told, _frame = matching_rows(access, query)
    seen = access.queryset()
    if told.db != listed.db:
        return False
    rows, same = listed.order_by(), {"pk": OuterRef("pk")}
    more = told.order_by().filter(~Exists(rows.filter(**same)))
    fewer = rows.filter(Exists(seen.order_by().filter(**same)), ~Exists(told.order_by().filter(**same)))
    return not more.exists() and not fewer.exists()


class _Words:
    """Turns Django's lookups into conditions of a grid's columns; None where there are no such words."""

    def __init__(self, access: GridAccess) -> None:
        self._access = access
        self._by_path: dict[str, Column] = {}
        for column in access.columns:
            self._by_path.setdefault(column.path, column)

    def lookups(self, used: Mapping[str, Any]) -> list[JSONValue] | None:
        """Tell lookups that hold together."""
        told: list[JSONValue] = []
        for key, given in used.items():
            found = self._place(key)
            values = given if isinstance(given, list) else [given]
            nodes = [None if found is None else _condition(*found, value) for value in values]
            if not nodes or None in nodes:
                return None
            told.append(nodes[0] if len(nodes) == 1 else {"or": nodes})
        return told

    def search(self, text: str, fields: Any) -> list[JSONValue] | None:
        """Tell the words of a search: each of them is in one of the fields."""
        if not text or not fields:
            return []
        places = [self._place(name) for name in map(_search_lookup, fields)]
        told: list[JSONValue] = []
        for word in _search_words(text):
            nodes = [None if place is None else _condition(*place, word) for place in places]
            if None in nodes:
                return None
            told.append(nodes[0] if len(nodes) == 1 else {"or": nodes})
        return told

    def order(self, terms: Any) -> list[JSONValue] | None:
        """Tell an order; the grid breaks ties by the key in the direction of the last term."""
        largest = bool(connections[self._access.queryset().db].features.nulls_order_largest)
        names = [_sort_key(term) for term in terms]
        if any(name is None for name in names):
            return None
        told: dict[str, JSONValue] = {}
        for index, (path, descending, nulls) in enumerate(name for name in names if name is not None):
            column = self._by_path.get(self._access.key.path if path == "pk" else path)
            if column is None or not column.sortable:
                # The tie-break that the list adds falls away, where the terms before it already say the order.
                is_key = path in ("pk", self._access.key.path)
                return list(told.values()) if is_key and told and index == len(names) - 1 else None
            place = nulls or ("last" if largest is not descending else "first")
            # The list names its own order once more after the one that was clicked; the first time counts.
            told.setdefault(column.id, {"col": column.id, "dir": "desc" if descending else "asc", "nulls": place})
        return list(told.values())

    def _place(self, key: str) -> tuple[Column, str] | None:
        """Return the column of a lookup, and what is compared."""
        for name in (key, key.replace("__pk__", "__").replace("__id__", "__"), key.removesuffix("__id")):
            if column := self._by_path.get(name):
                return column, "exact"
            path, _sep, lookup = name.rpartition("__")
            if column := self._by_path.get(path):
                return column, lookup
        return None


def _search_lookup(name: str) -> str:
    """Return the lookup of a search field, as the admin reads it."""
    if name[:1] in _SEARCHES:
        return f"{name[1:]}__{_SEARCHES[name[0]]}"
    return name if name.rpartition("__")[2] in _OPS else f"{name}__icontains"


def _search_words(text: str) -> Iterator[str]:
    for bit in smart_split(text):
        yield unescape_string_literal(bit) if bit.startswith(('"', "'")) and bit[0] == bit[-1] else bit


def _sort_key(term: Any) -> tuple[str, bool, str] | None:
    """Return path, direction and the named place of rows without a value; None for what is no field."""
    if isinstance(term, str):
        return None if term == "?" else (term.lstrip("-+"), term.startswith("-"), "")
    key: Any = term.expression if isinstance(term, OrderBy) else term
    if not isinstance(key, F):
        return None
    name = str(key.name)  # type: ignore[attr-defined]
    return (name, bool(term.descending), _nulls(term)) if isinstance(term, OrderBy) else (name, False, "")


def _nulls(term: OrderBy) -> str:
    if term.nulls_first:
        return "first"
    return "last" if term.nulls_last else ""


def _condition(column: Column, lookup: str, value: Any) -> JSONValue:
    """Return one comparison; None when the column has none like it."""
    if lookup == "isnull":
        blank = Op.BLANK if str(value).lower() in _TRUE else Op.NBLANK
        return {"col": column.id, "op": blank.value} if blank in column.ops else None
    if lookup not in _OPS:
        return None
    op = _OPS[lookup]
    if column.type == "boolean" and op is Op.EQ:
        return _truth(column, str(value).lower())
    if op not in column.ops:
        return None
    items = value if op is Op.IN and isinstance(value, list | tuple) else [value]
    told = [_wire(column, op, item) for item in items]
    if None in told:
        return None
    node: MutableJSONObject = {"col": column.id, "op": op.value, "value": told if op is Op.IN else told[0]}
    ignores_case = lookup.startswith("i") and lookup != "in"
    if op in WITH_CASE and column.type == "text":
        return {**node, "ci": ignores_case}
    return None if ignores_case else node


def _truth(column: Column, word: str) -> JSONValue:
    op: Op | None = Op.IS_TRUE if word in _TRUE else Op.IS_FALSE if word in _FALSE else None
    return None if op is None or op not in column.ops else {"col": column.id, "op": op.value}


def _wire(column: Column, op: Op, value: Any) -> JSONValue:
    """Return a value of a list's address as JSON that the column reads; None when it reads none."""
    for told in _spellings(value):
        try:
            column.clean_for(Op.EQ if op is Op.IN else op, told)
        except FilterValueError:
            continue
        return told
    return None


def _spellings(value: Any) -> Iterator[JSONValue]:
    """Yield what a value may be in JSON, most literal first."""
    if isinstance(value, date):
        yield value.isoformat()
        return
    if isinstance(value, bool | int | float):
        yield value
        return
    text = str(value)
    yield text
    try:
        yield int(text)
    except ValueError:
        moment: datetime | date | None = _read_moment(text)
        if moment is not None:
            yield moment.isoformat()


def _read_moment(text: str) -> datetime | date | None:
    try:
        return parse_datetime(text) or parse_date(text)
    except ValueError:
        return None
