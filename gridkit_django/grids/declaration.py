"""Binds a grid's columns to its model and finds the faults of a declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from django.apps import apps
from django.db.models import FileField, ForeignKey, GeneratedField, QuerySet

from gridkit_django.audit.labels import may_label
from gridkit_django.conf import settings
from gridkit_django.exceptions import GridDeclarationError, PathMissingError, PathToManyError
from gridkit_django.grids.columns import Column
from gridkit_django.grids.columns.appearance import appearance_faults
from gridkit_django.grids.columns.inference import infer_column
from gridkit_django.grids.columns.paths import resolve_path
from gridkit_django.grids.filter_assignment import assigned_filters, assignment_faults
from gridkit_django.grids.options import GridOptions
from gridkit_django.grids.search_backends import search_backend


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a declaration.

    Attributes:
        code: the number of the system check that reports it, like ``E101``.
        detail: what is wrong and what to do.
    """

    code: str
    detail: str


class Declaration:
    """A grid as it was written: its options and its unbound columns.

    Args:
        name: name of the grid class, for messages.
        options: what ``class Meta`` says.
        declared: the columns written as attributes, inherited ones first.
        own: names of those that this class declares itself.
    """

    def __init__(self, name: str, options: GridOptions, declared: Mapping[str, Column], own: frozenset[str]) -> None:
        self.name = name
        self.options = options
        self.declared = declared
        self.own = own

    @property
    def order(self) -> tuple[str, ...]:
        """The ids of the columns, in order."""
        return tuple(self.declared) if self.options.columns is None else self.options.columns

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """The bound columns by id, in order.

        Raises:
            GridDeclarationError: when the declaration has faults; the text lists them all.
        """
        columns, faults = self._bind_all()
        faults = [*faults, *self._faults_around(columns)]
        for column_id, names in assigned_filters(self.options, columns).items():
            columns[column_id].filters = names
        if faults:
            raise GridDeclarationError(
                f"The grid {self.name} is declared wrongly: "
                + " ".join(f"[{item.code}] {item.detail}" for item in faults)
            )
        return MappingProxyType(columns)

    @cached_property
    def key(self) -> Column:
        """The primary key as a column. It breaks ties and makes row ids; it need not be a column of the grid.

        Raises:
            GridDeclarationError: when no column can show the key, like one of several fields.
        """
        resolved = resolve_path(self.options.model, "pk")
        return infer_column("pk", resolved.value_field).bind("pk", resolved)

    def faults(self) -> list[Fault]:
        """Return everything that is wrong, for the system checks."""
        columns, faults = self._bind_all()
        return [*faults, *self._faults_around(columns)]

    def _bind_all(self) -> tuple[dict[str, Column], list[Fault]]:
        columns: dict[str, Column] = {}
        faults: list[Fault] = []
        for column_id in self.order:
            try:
                columns[column_id] = self._bind(column_id)
            except PathMissingError as error:
                faults.append(Fault("E101", error.detail))
            except PathToManyError as error:
                faults.append(Fault("E102", error.detail))
            except GridDeclarationError as error:
                faults.append(Fault("E103", error.detail))
        return columns, faults

    def _bind(self, column_id: str) -> Column:
        declared = self.declared.get(column_id)
        resolved = resolve_path(self.options.model, (declared.source if declared else "") or column_id)
        column = declared or infer_column(column_id, resolved.value_field)
        if not column.accepts(resolved.value_field):
            raise GridDeclarationError(
                f"The column {column_id!r} is a {type(column).__name__}, which can't show the "
                f"{type(resolved.value_field).__name__} that its path leads to."
            )
        return column.bind(column_id, resolved, searched=column_id in self.options.search)

    def _faults_around(self, columns: Mapping[str, Column]) -> Iterator[Fault]:
        """Yield the faults that need the bound columns."""
        yield from self._order_faults()
        yield from self._key_faults()
        for name in self.options.default_sort:
            column = columns.get(name.removeprefix("-"))
            if column is None or not column.sortable:
                yield Fault("E104", f"Meta.default_sort names {name!r}, which is no sortable column of the grid.")
        for name in self.options.search:
            column = columns.get(name)
            if column is None or not column.searchable:
                yield Fault("E105", f"Meta.search names {name!r}, which is no searchable column of the grid.")
        yield from _label_faults(self.options.audit_label, columns)
        yield from _edit_faults(columns)
        yield from self._option_faults()
        yield from (Fault("E112", detail) for detail in assignment_faults(self.options, columns))
        for column in columns.values():
            yield from (Fault("E114", detail) for detail in appearance_faults(column))
            if isinstance(column.permission, str) and "." not in column.permission:
                yield Fault(
                    "E109", f"The permission of the column {column.id!r} must be written as 'app_label.codename'."
                )
            if column.lookup and not _points_at_key(column):
                yield Fault(
                    "E110",
                    f"The column {column.id!r} has a lookup, but is no foreign key to a primary key. Only such a "
                    "column can be given the key of another grid's row.",
                )

    def _key_faults(self) -> Iterator[Fault]:
        try:
            self.key  # noqa: B018 - binding it is the test
        except GridDeclarationError as error:
            yield Fault("E103", f"The primary key can't identify rows on the wire. {error.detail}")

    def _order_faults(self) -> Iterator[Fault]:
        if not self.order:
            yield Fault("E106", "The grid has no columns. Declare some, or name fields in Meta.columns.")
        for name in sorted(self.own - set(self.order)):
            yield Fault("E106", f"The column {name!r} is declared but Meta.columns does not list it.")
        for name, times in Counter(self.order).items():
            if times > 1:
                yield Fault("E106", f"Meta.columns lists {name!r} {times} times.")

    def _option_faults(self) -> Iterator[Fault]:
        options = self.options
        if options.page_size is not None and not 1 <= options.page_size <= settings().PAGE_SIZE_MAX:
            yield Fault("E108", f"Meta.page_size is {options.page_size}; allowed is 1 to {settings().PAGE_SIZE_MAX}.")
        if options.time_zone is not None and not is_zone(options.time_zone):
            yield Fault("E108", f"Meta.time_zone is {options.time_zone!r}, which is no time zone of this machine.")
        if isinstance(options.row_permission, str):
            yield from _row_permission_faults(options.row_permission)
        try:
            search_backend(options)
        except GridDeclarationError as error:
            yield Fault("E108", error.detail)


def _label_faults(name: str, columns: Mapping[str, Column]) -> Iterator[Fault]:
    column = columns.get(name)
    if name and not (column is not None and column.own and may_label(column.field)):
        yield Fault(
            "E113",
            f"Meta.audit_label names {name!r}, which is no column with a text, a whole number or a UUID of the grid's "
            "own model.",
        )


def _edit_faults(columns: Mapping[str, Column]) -> Iterator[Fault]:
    for column in columns.values():
        if column.editable and not (column.own and _writable(column)):
            yield Fault(
                "E107",
                f"The column {column.id!r} is editable, but its value is no plain field of the grid's own model. Only "
                "those can be edited; primary keys, generated fields, files and fields of other models can't.",
            )


def _writable(column: Column) -> bool:
    # A file's name typed in by hand could point to any file of the storage.
    return not column.field.primary_key and not isinstance(column.field, (GeneratedField, FileField))


def _points_at_key(column: Column) -> bool:
    return isinstance(column.field, ForeignKey) and column.field.target_field.primary_key


def _row_permission_faults(permission: str) -> Iterator[Fault]:
    if "." not in permission:
        yield Fault("E108", f"Meta.row_permission is {permission!r}; write it as 'app_label.codename'.")
    if not apps.is_installed("guardian"):
        yield Fault("E108", "Meta.row_permission is an object permission, which needs 'guardian' in INSTALLED_APPS.")


def rows_faults(rows: QuerySet[Any]) -> Iterator[Fault]:
    """Yield why the engine can't work on what a grid's ``get_queryset`` gives: it filters, orders and reads columns.

    What would load objects beside the rows is refused as well: rows are read as values, so it would be lost or, read by
    a column one by one, cost a query a row.
    """
    wrong = {
        "sliced": rows.query.is_sliced,
        "combined with union(), intersection() or difference()": bool(rows.query.combinator),
        "read as values()": rows._fields is not None,  # type: ignore[attr-defined]
        "made by prefetch_related()": bool(rows._prefetch_related_lookups),  # type: ignore[attr-defined]  # noqa: SLF001
    }
    for what, found in wrong.items():
        if found:
            yield Fault(
                "E111",
                f"get_queryset() gives rows that are {what}. Return a plain queryset that only narrows the rows; name "
                "what is shown of related rows as columns, which are joined.",
            )


def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True
