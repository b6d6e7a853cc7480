"""Labels of keys: what people call the rows of another grid whose keys a column holds (``lookup="airlines"``).

They come through that grid's own gate, as on the page: a row that the user may not see there, or a grid that they may
not open, has no label, and the key stands for itself. The database looks a label up beside the key, in the same
statement and so as of the same moment, in both ways to a file; what it can't look up is asked for list by list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.core.exceptions import EmptyResultSet
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import Combinable

from gridkit_django.exports.source.plainness import shows_stored
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column
from gridkit_django.grids.group_rows import plain
from gridkit_django.grids.labels import key_kind, label_column, lookup_grid, names_rows
from gridkit_django.typing import JSONValue


class KeyName(str):
    """The label of a key that makes groups: rows with equal labels and different keys are different groups.

    Args:
        text: the label.
        key: the key, in its wire form.
    """

    __slots__ = ("key",)

    key: JSONValue

    def __new__(cls, text: str, key: JSONValue) -> Self:
        """Make a text that knows its key."""
        made = super().__new__(cls, text)
        made.key = key
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, KeyName) and self.key != other.key:
            return False
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def to_text(self) -> str:
        """Write the label with its key."""
        return json.dumps([str(self), self.key])

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what ``to_text`` wrote."""
        return cls(*json.loads(text))


@dataclass(frozen=True, slots=True)
class KeyLabels:
    """Where the labels of a column's keys come from.

    Attributes:
        column: the column.
        label: the column of the other grid that names its rows.
        rows: the rows of the other grid that the user may see.
        in_sql: whether the database can look a label up beside the key.
    """

    column: Column
    label: Column
    rows: QuerySet[Any]
    in_sql: bool

    def expression(self, shown: str | Combinable = "") -> Subquery:
        """Return the expression of the label of a row's key.

        Args:
            shown: what is given of the row that is named; empty for its label.
        """
        named = plain(self.rows).filter(pk=OuterRef(self.column.path)).order_by()
        return Subquery(named.values_list(shown or self.label.path)[:1])

    @property
    def facts(self) -> list[Any]:
        """What decides which key has which label, for ``planning``: a right that was lost since is lost for the job."""
        try:
            sql, parameters = self.rows.values_list("pk", self.label.path).query.sql_with_params()
        except EmptyResultSet:
            return [self.column.id]
        return [self.column.id, sql, [repr(value) for value in parameters]]


def key_labels(access: GridAccess, columns: Mapping[str, Column], alias: str) -> dict[str, KeyLabels]:
    """Return where labels come from, by column, for those that name rows of a grid that the user may open.

    Args:
        access: the grid and the user.
        columns: the columns of the export, by id.
        alias: the database that the rows of the export are in.
    """
    found: dict[str, KeyLabels] = {}
    for name, column in columns.items():
        source = lookup_grid(access, column) if names_rows(column) and shows_stored(column) else None
        label = None if source is None else label_column(source)
        if source is None or label is None:
            continue
        rows = source.queryset()
        same = rows.db == alias and key_kind(source.key.value_field) == key_kind(column.value_field)
        found[name] = KeyLabels(column, label, rows, in_sql=same and shows_stored(label))
    return found
