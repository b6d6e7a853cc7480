"""What people read for the keys of other grids' rows, read for a whole answer at once.

A column that names a grid (``lookup="airlines"``) holds keys of that grid's rows. Their labels come through that grid's
own gate: who may not open it, or may not see a row of it, gets no label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from django.db.models import IntegerField, QuerySet, Value

from gridkit_django.exceptions import GridNotFoundError, RecordNotFoundError
from gridkit_django.grids.access import GridAccess, open_grid
from gridkit_django.grids.columns import Column, TextColumn
from gridkit_django.grids.columns.paths import AnyField
from gridkit_django.grids.group_rows import plain
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.records import read_key
from gridkit_django.grids.rows import Row, RowsPage
from gridkit_django.grids.time_limit import query_limit
from gridkit_django.grids.tree import Condition, FilterNode, Group, Negation
from gridkit_django.typing import JSONValue, MutableJSONObject

Labels: TypeAlias = dict[str, dict[JSONValue, str]]
"""Column id to label by key, in its wire form."""


def lookup_grid(access: GridAccess, column: Column) -> GridAccess | None:
    """Return the grid whose rows a column's values are, or None when the user may not open it."""
    try:
        return open_grid(column.lookup, access.user, access.rights)
    except GridNotFoundError:
        return None


def label_column(source: GridAccess) -> Column | None:
    """Return the column whose text names the rows of a grid: its first text, or None."""
    texts = (column for column in source.columns if isinstance(column, TextColumn) and column.path != source.key.path)
    return next(texts, None)


def names_rows(column: Column) -> bool:
    """Whether the values of a column are keys of another grid's rows."""
    return bool(column.lookup) and column.choices is None


def key_kind(field: AnyField) -> str:
    """Return what the database must know of a field to compare keys in it with others of the same kind."""
    return "integer" if isinstance(field, IntegerField) else field.get_internal_type()


def read_labels(access: GridAccess, wanted: Mapping[str, Iterable[JSONValue]]) -> Labels:
    """Return the labels of keys. Keys without one, and columns that name no rows, are left out.

    One SQL query reads all of them, however many columns, grids and keys there are; one more for each further database,
    and for each further type of keys.

    Args:
        access: the grid and the user.
        wanted: ids of columns that the user may see, each with keys in their wire form.
    """
    sources: dict[str, _Source | None] = {}
    asked: list[tuple[str, JSONValue, _Source, Any]] = []
    for name, keys in wanted.items():
        column = access.column(name)
        if column.lookup not in sources:
            sources[column.lookup] = _source(access, column) if names_rows(column) else None
        source = sources[column.lookup]
        if source is not None:
            asked.extend((name, wire, source, key) for wire in keys for key in source.take(wire))
    found = _read(source for source in sources.values() if source is not None and source.keys)
    labels: Labels = defaultdict(dict)
    for name, wire, source, key in asked:
        if label := found.get((source.number, key)):
            labels[name][wire] = str(source.label.to_wire(label))
    return dict(labels)


def with_labels(access: GridAccess, query: GridQuery, page: RowsPage) -> RowsPage:
    """Lay the labels of all keys beside an answer that stand in it, or in the filter that was asked with.

    Args:
        access: the grid and the user.
        query: the question.
        page: its answer.
    """
    labels = read_labels(access, _keys_of(access, query, page))
    written = {
        name: [{"value": value, "label": label} for value, label in found.items()] for name, found in labels.items()
    }
    groups = [labels.get(term.col, {}) if term.by is None else {} for term in query.group]
    fields = page.pivot_fields
    if query.pivot is not None and fields is not None:
        across = [labels.get(term.col, {}) if term.by is None else {} for term in query.pivot.cols]
        fields = tuple(_named_field(made, across) for made in fields)
    return replace(page, rows=tuple(_named(row, groups) for row in page.rows), pivot_fields=fields, labels=written)


@dataclass(slots=True)
class _Source:
    """A grid whose rows are named.

    Attributes:
        access: the grid and the user.
        label: the column whose text names its rows.
        number: tells its labels from those of other grids.
        keys: the primary keys of the rows wanted.
    """

    access: GridAccess
    label: Column
    number: int = 0
    keys: set[Any] = field(default_factory=set)

    def take(self, wire: JSONValue) -> Iterator[Any]:
        """Note a key, and yield it as a primary key; nothing for what can't be one."""
        if not isinstance(wire, (str, int)) or isinstance(wire, bool):
            return
        try:
            key = read_key(self.access, wire)
        except RecordNotFoundError:
            return
        self.keys.add(key)
        yield key

    @property
    def rows(self) -> QuerySet[Any, Any]:
        """Number, key and label of each row wanted that the user may see."""
        rows = plain(self.access.queryset()).filter(pk__in=self.keys).order_by()
        return rows.values_list(Value(self.number, IntegerField()), "pk", self.label.path)

    @property
    def together(self) -> tuple[str, str]:
        """What sources must share to be read by one query: the database, and the type of the keys."""
        return self.access.queryset().db, key_kind(self.access.key.value_field)


def _source(access: GridAccess, column: Column) -> _Source | None:
    source = lookup_grid(access, column)
    label = None if source is None else label_column(source)
    return None if source is None or label is None else _Source(source, label)


def _read(sources: Iterable[_Source]) -> dict[tuple[int, Any], str]:
    """Read the labels of some grids' rows, by the grid's number and the key."""
    together: dict[tuple[str, str], list[_Source]] = defaultdict(list)
    for number, source in enumerate(sources):
        source.number = number
        together[source.together].append(source)
    found: dict[tuple[int, Any], str] = {}
    for (database, _), members in together.items():
        first, *others = (source.rows for source in members)
        with query_limit(database):
            found |= {(number, key): label for number, key, label in first.union(*others, all=True)}
    return found


def _keys_of(access: GridAccess, query: GridQuery, page: RowsPage) -> dict[str, set[JSONValue]]:
    """Collect the keys of other grids' rows in an answer and its filter, by the columns that hold them."""
    keys: dict[str, set[JSONValue]] = {column.id: set() for column in access.columns if names_rows(column)}
    if not keys:
        return {}
    for row in page.rows:
        if row.group is None:
            for name in keys.keys() & row.data.keys():
                _add(keys[name], row.data[name])
        else:
            _add(keys.get(query.group[row.group.level].col, set()), row.group.key)
    for node in _conditions(query.filter):
        if node.col in keys:
            _add(keys[node.col], node.value)
    for made in page.pivot_fields or ():
        for term, key in zip(query.pivot.cols if query.pivot else (), _list(made["keys"]), strict=False):
            _add(keys.get(term.col, set()), key)
    return keys


def _add(keys: set[JSONValue], value: Any) -> None:
    """Add a key, or each of a list of keys."""
    for key in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(key, (str, int)):
            keys.add(key)


def _conditions(node: FilterNode | None) -> Iterator[Condition]:
    match node:
        case Condition():
            yield node
        case Negation():
            yield from _conditions(node.node)
        case Group():
            for member in node.nodes:
                yield from _conditions(member)


def _named(row: Row, groups: list[dict[JSONValue, str]]) -> Row:
    """Give a group the label of its key, where there is one."""
    if row.group is None:
        return row
    label = groups[row.group.level].get(_key(row.group.key), row.group.label)
    return row._replace(group=replace(row.group, label=label))


def _named_field(made: MutableJSONObject, across: list[dict[JSONValue, str]]) -> MutableJSONObject:
    """Give a column that a pivot made the labels of its keys."""
    named: list[JSONValue] = [
        labels.get(_key(key), label)
        for labels, key, label in zip(across, _list(made["keys"]), _list(made["labels"]), strict=True)
    ]
    return {**made, "labels": named}


def _list(value: JSONValue) -> Sequence[JSONValue]:
    return value if isinstance(value, (list, tuple)) else ()


def _key(value: JSONValue) -> JSONValue:
    """Return a value as a key of a dictionary of labels."""
    return value if isinstance(value, (str, int)) else None
