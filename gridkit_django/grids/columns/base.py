"""The base of all columns: what is declared, what binding to the model adds, and the plain comparisons."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Any, ClassVar, Self, TypeAlias

from django.db.models import Q
from django.utils.text import capfirst

from gridkit_django.exceptions import FilterValueError
from gridkit_django.grids.columns.formats import ValueFormat
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.columns.paths import AnyField, ResolvedPath
from gridkit_django.grids.columns.styles import CellStyle
from gridkit_django.grids.functions import EXTREMES, Fn
from gridkit_django.grids.operators import EQUALITY, ORDERED, Op
from gridkit_django.grids.periods import Period
from gridkit_django.typing import JSONValue, User

ColumnPermission: TypeAlias = str | Callable[[User], bool] | None
"""Who may see a column: a Django permission (``app.codename``), a function of the user, or None for everybody."""

ColumnKind: TypeAlias = "type[Column]"

FieldKinds: TypeAlias = tuple[type[AnyField], ...]
"""Kinds of model field."""

_LOOKUPS = {Op.LT: "lt", Op.LTE: "lte", Op.GT: "gt", Op.GTE: "gte"}


class Column:
    """One column of a grid: a path from the model to a value, and what may be done with it.

    A column is declared on a ``Grid`` and later bound to its model; ``id``, ``path``, ``field``, ``nullable`` and
    ``own`` exist on bound columns only.

    Args:
        source: ORM path of the value (``carrier__name``); empty means the name of the attribute.
        label: what people read; empty means the field's ``verbose_name``.
        editable: whether users with the right to edit may change it. Only for fields of the grid's own model.
        sortable: whether rows can be sorted by it.
        filterable: whether rows can be filtered by it.
        searchable: whether the search looks into it; None means: when ``Meta.search`` names it.
        permission: who may see it; for all others the column does not exist at all.
        description: a longer explanation for people.
        width: the wished width in CSS pixels.
        groupable: whether rows can be grouped by it, and its distinct values be counted.
        lookup: id of the grid whose rows are the values to choose from; empty means the values that occur.
        filters: names of filters of ``Meta.filterset_class`` that belong to the column although their field is another
            one or none. Filters of the column's own field belong to it by themselves.
        format: how its values are written for people, on the page and in files; None: as is usual for its type.
        styles: how cells look whose value meets a condition, on the page and in files; the first that fits counts.

    Attributes:
        id: the name on the wire.
        path: the ORM path of the value, foreign keys followed to the value they store.
        field: the model field that the source names.
        value_field: the field that types the value; differs from ``field`` for a foreign key.
        nullable: whether a row may have no value.
        own: whether the value is stored in the grid's own table.
    """

    type: ClassVar[str] = ""
    operators: ClassVar[tuple[Op, ...]] = EQUALITY
    fields: ClassVar[FieldKinds] = ()
    excluded_fields: ClassVar[FieldKinds] = ()
    orderable: ClassVar[bool] = True
    functions: ClassVar[tuple[Fn, ...]] = EXTREMES
    periods: ClassVar[tuple[Period, ...]] = ()

    id: str
    path: str
    field: AnyField
    value_field: AnyField
    nullable: bool
    own: bool

    def __init__(  # noqa: PLR0913 - a declaration has as many keywords as a column has qualities
        self,
        source: str = "",
        *,
        label: str = "",
        editable: bool = False,
        sortable: bool = True,
        filterable: bool = True,
        searchable: bool | None = None,
        permission: ColumnPermission = None,
        description: str = "",
        width: int | None = None,
        groupable: bool = True,
        lookup: str = "",
        filters: Sequence[str] = (),
        format: ValueFormat | None = None,  # noqa: A002 - the word of the declaration
        styles: Sequence[CellStyle] = (),
    ) -> None:
        self.source = source
        self.label = label
        self.editable = editable
        self.sortable = sortable and self.orderable
        self.filterable = filterable
        self.searchable = searchable
        self.permission = permission
        self.description = description
        self.width = width
        self.groupable = groupable and self.orderable
        self.lookup = lookup
        self.filters = tuple(filters)
        self.format = format
        self.styles = tuple(styles)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'id', self.source)!r}>"

    @classmethod
    def accepts(cls, field: AnyField) -> bool:
        """Whether values of ``field`` can be shown by this kind of column."""
        return isinstance(field, cls.fields) and not isinstance(field, cls.excluded_fields)

    def bind(self, column_id: str, resolved: ResolvedPath, *, searched: bool = False) -> Self:
        """Return a copy that knows its model field.

        Args:
            column_id: the name on the wire.
            resolved: where the values come from.
            searched: whether ``Meta.search`` names the column.
        """
        bound = copy.copy(self)
        bound.id = column_id
        bound.path = resolved.path
        bound.field = resolved.field
        bound.value_field = resolved.value_field
        bound.nullable = resolved.nullable
        bound.own = resolved.own
        bound.label = self.label or capfirst(str(resolved.field.verbose_name))
        bound.searchable = searched if self.searchable is None else self.searchable
        return bound

    @property
    def ops(self) -> tuple[Op, ...]:
        """The operators that a filter may use on this column."""
        own = self.operators if self.filterable else ()
        return (*own, Op.FILTER) if self.filters else own

    @property
    def editor(self) -> str:
        """The name of the editor that suits the values."""
        return self.type

    @property
    def choices(self) -> tuple[tuple[JSONValue, str], ...] | None:
        """Value and label of each possible value, or None when values are free."""
        return None

    def to_wire(self, value: Any, zone: tzinfo | None = None) -> JSONValue:
        """Turn a Python value into its exact JSON form.

        Args:
            value: what the database gave, or None.
            zone: the time zone for points in time; only they use it.
        """
        return None if value is None else self._wire(value, zone)

    def to_wires(self, values: Sequence[Any], zone: tzinfo | None = None) -> Sequence[JSONValue]:
        """Turn the values of many rows into what ``to_wire`` makes of each.

        Args:
            values: what the database gave.
            zone: the time zone for points in time.
        """
        if self._writes_as(Column):
            return values
        if type(self).to_wire is Column.to_wire:
            wire = self._wire
            return [None if value is None else wire(value, zone) for value in values]
        return [self.to_wire(value, zone) for value in values]

    def clean(self, raw: JSONValue) -> Any:
        """Turn a JSON value of a filter into the Python value that it means.

        Raises:
            FilterValueError: when the value does not fit the column's type.
        """
        raise NotImplementedError

    def clean_for(self, op: Op, raw: JSONValue) -> Any:
        """Turn the JSON value of a condition into what its operator takes.

        Raises:
            FilterValueError: when the value does not fit operator and column.
        """
        del op
        return self.clean(raw)

    def operand(self, value: Any, frame: Frame) -> Any:
        """Turn a cleaned value into what the ORM compares with."""
        del frame
        return value

    def condition(self, op: Op, value: Any, to: Any, frame: Frame) -> Q:
        """Return the condition of a positive operator.

        It is never true for a row without a value, save for ``blank`` and for ``in`` with None in its list.

        Args:
            op: one of the column's operators, in its positive form.
            value: the cleaned value; a list for ``in``; None for operators without a value.
            to: the cleaned upper end of ``between``.
            frame: the request's time zone, database and case rule.
        """
        match op:
            case Op.BLANK:
                return self.blank()
            case Op.IN:
                return self.one_of(value, frame)
            case Op.BETWEEN:
                return self.compare(Op.GTE, value, frame) & self.compare(Op.LTE, to, frame)
            case _:
                return self.compare(op, value, frame)

    def blank(self) -> Q:
        """Return the condition "the row has no value here"."""
        return Q((f"{self.path}__isnull", True))

    def compare(self, op: Op, value: Any, frame: Frame) -> Q:
        """Return the condition of ``eq`` or an ordered comparison with one value."""
        return Q((f"{self.path}__{_LOOKUPS.get(op, 'exact')}", self.operand(value, frame)))

    def one_of(self, values: Sequence[Any], frame: Frame) -> Q:
        """Return the condition "equal to one of these"; None in the list stands for "no value"."""
        present = [value for value in values if value is not None]
        found = self.equal_to_any(present, frame) if present else nothing()
        return found | self.blank() if len(present) < len(values) else found

    def equal_to_any(self, values: Sequence[Any], frame: Frame) -> Q:
        """Return the condition "equal to one of these", for at least one value and no None."""
        return Q((f"{self.path}__in", [self.operand(value, frame) for value in values]))

    def search(self, word: str, frame: Frame) -> Q | None:
        """Return the condition "the word is found here", or None when it can't be in this column.

        The default for typed values: the word is the value, written out.
        """
        try:
            value = self.clean(word)
        except FilterValueError:
            return None
        return self.compare(Op.EQ, value, frame)

    def to_cursor(self, value: Any) -> JSONValue:
        """Turn a sort key into exact JSON for a cursor."""
        return self.to_wire(value)

    def from_cursor(self, raw: JSONValue) -> Any:
        """Turn a cursor's JSON back into the sort key."""
        return None if raw is None else self.clean(raw)

    def _writes_as(self, kind: ColumnKind) -> bool:
        """Whether values are written as ``kind`` does it: no subclass has a way of its own."""
        return type(self).to_wire is Column.to_wire and type(self)._wire is kind._wire  # noqa: SLF001

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        del zone
        return value  # type: ignore[no-any-return]

    def _refuse(self, expected: str) -> FilterValueError:
        return FilterValueError(f"The value does not fit the column {self.id!r}: expected {expected}.")


class OrderedColumn(Column):
    """A column whose values have an order that a filter can use."""

    operators: ClassVar[tuple[Op, ...]] = ORDERED


def nothing() -> Q:
    """Return a condition that no row meets."""
    return Q(pk__in=[])
