"""Names the indexes that a grid's declaration needs and its database lacks.

It reads the catalogue of PostgreSQL, or the PRAGMAs of SQLite, through Django's introspection. It changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connections, models

from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.paths import AnyField
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.search_backends import SearchBackend, search_backend
from gridkit_django.typing import JSONObject

_NAME_LENGTH = 30
_FEW_VALUES = frozenset({"boolean", "choice", "json"})
"""Types of columns whose values pick no few rows, or can't be compared: an index on them alone helps little."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One index that is lacking.

    Attributes:
        grid: id of the grid.
        purpose: ``default sort``, ``sort``, ``filter`` or ``search``.
        columns: ids of the columns that it serves; ``-`` first for descending.
        model: the model whose ``Meta.indexes`` it belongs into, as ``app_label.Model``.
        index: the code of the Django index; empty when no index can help.
        note: what to know about it, or empty.
    """

    grid: str
    purpose: str
    columns: tuple[str, ...]
    model: str
    index: str
    note: str = ""

    def as_dict(self) -> JSONObject:
        """Return it as JSON."""
        return {**asdict(self), "columns": list(self.columns)}


@dataclass(frozen=True, slots=True)
class _Held:
    """An index that the database has: its columns, which of them descend, its kind, and its text when it has one."""

    columns: tuple[str, ...]
    descending: tuple[bool, ...]
    unique: bool
    ordered: bool
    text: str


def advise(grid: type[Grid], *, sorts: bool = False) -> tuple[Advice, ...]:
    """Return the indexes that a grid lacks, each one once.

    Args:
        grid: the grid.
        sorts: also judge each column that people can sort by, not only the default sort.

    Raises:
        GridDeclarationError: when the declaration has faults.
    """
    found: dict[tuple[str, str], Advice] = {}
    for advice in _Judge(grid).advice(sorts=sorts):
        found.setdefault((advice.model, advice.index or advice.purpose + advice.note), advice)
    return tuple(found.values())


class _Judge:
    """Compares what one grid declares with the indexes of its database."""

    def __init__(self, grid: type[Grid]) -> None:
        self._options = grid.options
        self._model = grid.options.model
        self._columns = grid.columns()
        self._connection = connections[grid.get_queryset().db]
        self._known: dict[str, tuple[_Held, ...]] = {}

    def advice(self, *, sorts: bool) -> Iterator[Advice]:
        """Yield what is lacking, the most useful first."""
        if self._options.default_sort:
            yield from self._sort("default sort", self._options.default_sort)
        backend = search_backend(self._options)
        for column in self._columns.values():
            if column.searchable:
                yield from self._search(backend, column)
        plain = [column for column in self._columns.values() if column.own and not column.field.primary_key]
        for column in plain:
            if column.ops and column.type not in _FEW_VALUES:
                yield from self._filter(column)
        for column in plain if sorts else ():
            if column.sortable:
                yield from self._sort("sort", (column.id,))

    def _sort(self, purpose: str, terms: Sequence[str]) -> Iterator[Advice]:
        columns = [self._columns[term.removeprefix("-")] for term in terms]
        if not all(column.own for column in columns):
            note = "It sorts by a value of another table, which no index holds together with the key of this one."
            yield self._tell(purpose, terms, self._model, "", note)
            return
        wanted = [(column.field, term.startswith("-")) for column, term in zip(columns, terms, strict=True)]
        key = self._model._meta.pk
        if all(field is not key for field, _descending in wanted):
            wanted.append((key, wanted[-1][1]))
        if self._orders(wanted):
            return
        turned = wanted[0][1] and all(descending for _field, descending in wanted)  # read backwards, it is the same
        names = [f"{'-' if descending and not turned else ''}{field.name}" for field, descending in wanted]
        note = ""
        if self._connection.vendor == "sqlite" and columns[0].nullable:
            note = "SQLite puts blanks first; where they come last in ascending order, it sorts all rows nevertheless."
        yield self._tell(purpose, terms, self._model, _plain_index(self._model, names), note)

    def _orders(self, wanted: Sequence[tuple[AnyField, bool]]) -> bool:
        """Whether an index holds the rows in this order or in its reverse.

        Behind a unique column nothing more matters; SQLite puts the key behind every index by itself.
        """
        names = tuple(field.column for field, _descending in wanted)
        turns = tuple(descending for _field, descending in wanted)
        rowid = self._connection.vendor == "sqlite" and isinstance(wanted[-1][0], models.AutoField)
        for index in self._held(self._model):
            size = len(index.columns)
            whole = index.columns[: len(names)] == names
            part = index.columns == names[:size] and (index.unique or (rowid and size == len(names) - 1))
            directions = index.descending[: len(names)]
            same = directions in (turns[: len(directions)], tuple(not turn for turn in turns[: len(directions)]))
            if index.ordered and (whole or part) and same:
                return True
        return False

    def _filter(self, column: Column) -> Iterator[Advice]:
        if column.type == "text":
            yield from self._text("filter", SearchBackend(), column)
        else:
            yield from self._equality("filter", column)

    def _search(self, backend: SearchBackend, column: Column) -> Iterator[Advice]:
        if column.type == "text":
            yield from self._text("search", backend, column)
        elif column.type not in _FEW_VALUES:
            yield from self._equality("search", column)

    def _equality(self, purpose: str, column: Column) -> Iterator[Advice]:
        model = column.field.model
        if not any(index.columns[:1] == (column.field.column,) for index in self._held(model)):
            yield self._tell(purpose, [column.id], model, _plain_index(model, [column.field.name]), _far(column))

    def _text(self, purpose: str, backend: SearchBackend, column: Column) -> Iterator[Advice]:
        model = column.value_field.model
        code = backend.index(column, self._connection.vendor)
        if code is None:
            name = self._connection.display_name
            note = f"{name} has no index for parts of texts: each such question reads all rows."
            if purpose == "search":
                yield self._tell(purpose, self._options.search, self._model, "", note)
            return
        at = str(column.value_field.column)
        if not any(_serves_text(index, code, at) for index in self._held(model)):
            name = _index_name(model, [column.value_field.name, "words" if "SearchVector" in code else "trgm"])
            yield self._tell(purpose, [column.id], model, f'{code}, name="{name}")', _far(column))

    def _held(self, model: type[models.Model]) -> tuple[_Held, ...]:
        """Return the indexes of a model's table."""
        table = model._meta.db_table
        if table not in self._known:
            with self._connection.cursor() as cursor:
                found = self._connection.introspection.get_constraints(cursor, table)
            self._known[table] = tuple(_read(entry) for entry in found.values() if _is_index(entry))
        return self._known[table]

    def _tell(
        self, purpose: str, columns: Sequence[str], model: type[models.Model], code: str, note: str = ""
    ) -> Advice:
        return Advice(self._options.id, purpose, tuple(columns), model._meta.label, code, note)


def _is_index(entry: Any) -> bool:
    return bool(entry["index"] or entry["unique"] or entry["primary_key"])


def _read(entry: Any) -> _Held:
    columns = tuple(name or "" for name in entry["columns"] or ())
    orders = entry.get("orders") or ["ASC"] * len(columns)
    return _Held(
        columns=columns,
        descending=tuple(order == "DESC" for order in orders),
        unique=bool(entry["unique"] or entry["primary_key"]),
        ordered=entry.get("type") in (None, models.Index.suffix, "btree"),
        text=entry.get("definition") or "",
    )


def _serves_text(index: _Held, code: str, column: str) -> bool:
    """Whether an index is of the expression that the code says, on this column."""
    name = rf'\(?"?{re.escape(column)}"?\)?(::text)?'
    if "gin_trgm_ops" in code:
        return bool(re.search(rf"upper\({name}\) gin_trgm_ops", index.text))
    return "to_tsvector(" in index.text and bool(re.search(rf"COALESCE\({name}[,:]", index.text))


def _far(column: Column) -> str:
    """Say what keeps an index of another table from helping a search."""
    if column.own:
        return ""
    return f"The column {column.id!r} is in another table: a search that joins it to own columns by OR reads all rows."


def _plain_index(model: type[models.Model], names: Sequence[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f'Index(fields=[{listed}], name="{_index_name(model, names)}")'


def _index_name(model: type[models.Model], parts: Sequence[str]) -> str:
    """Return a name that Django takes: short, and the same at each call."""
    name = "_".join([model._meta.model_name or "", *(part.removeprefix("-") for part in parts)])
    if len(name) <= _NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: _NAME_LENGTH - 7].rstrip('_')}_{digest}"
