"""Columns as JSON in SQL: the same JSON that ``gridkit_django.audit.values.json_value`` gives of the value in Python.

Triggers and set-based records never carry a row through Python, yet their values must be those of a record that Python
wrote. Datetimes are in UTC, decimals have the scale of their column, keys are those of the table they point to.

A float may be written with more digits than Python needs, but it reads as the same float.

No expression holds a percent sign, so it can stand in a statement with parameters.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, cast

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, ForeignObject, GeneratedField

from gridkit_django.audit import sqljson_postgres, sqljson_sqlite
from gridkit_django.exceptions import AuditError

AnyField: TypeAlias = "Field[Any, Any]"


class _Dialect(Protocol):
    """What a module for one database offers."""

    def json_sql(self, field: AnyField, column: str, connection: BaseDatabaseWrapper, /) -> str: ...

    def json_text_sql(self, field: AnyField, column: str, connection: BaseDatabaseWrapper, /) -> str: ...

    def is_exact(self, field: AnyField, connection: BaseDatabaseWrapper, /) -> bool: ...

    def text_sql(self, field: AnyField, column: str, connection: BaseDatabaseWrapper, /) -> str: ...


_DIALECTS: dict[str, _Dialect] = {"postgresql": sqljson_postgres, "sqlite": sqljson_sqlite}


def json_sql(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the SQL expression that gives a column as JSON; NULL stays NULL.

    On PostgreSQL it is of the type ``jsonb``; on SQLite it is JSON text, to be given to ``json()``.

    Args:
        field: the field that the column stores.
        column: the column, quoted, with its table where needed.
        connection: the database that it runs in.

    Raises:
        AuditError: on a database other than PostgreSQL and SQLite.
    """
    return _dialect(connection).json_sql(stored_field(field), column, connection)


def json_text_sql(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the SQL expression that gives a column as the text of JSON; NULL stays NULL.

    It is the value that ``json_sql`` gives, made for being put together with others: no ``jsonb`` is built for it.

    Args:
        field: the field that the column stores.
        column: the column, quoted, with its table where needed.
        connection: the database that it runs in.

    Raises:
        AuditError: on a database other than PostgreSQL and SQLite.
    """
    return _dialect(connection).json_text_sql(stored_field(field), column, connection)


def is_exact(field: AnyField, connection: BaseDatabaseWrapper) -> bool:
    """Say whether ``json_sql`` gives what ``json_value`` gives of the value that Django reads.

    It can't where the value is made in Python: a field of the project's own that converts what it reads. On SQLite it
    can't either for bytes, for a kind of field that Django itself doesn't have, and for datetimes of a connection with
    a time zone of its own.

    Raises:
        AuditError: on a database other than PostgreSQL and SQLite.
    """
    stored = stored_field(field)
    return not _converts(stored) and _dialect(connection).is_exact(stored, connection)


def text_sql(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the SQL expression that gives a key as text, as ``AuditRecord.target_id`` holds it.

    Args:
        field: the field that the column stores.
        column: the column, quoted, with its table where needed.
        connection: the database that it runs in.

    Raises:
        AuditError: on a database other than PostgreSQL and SQLite.
    """
    return _dialect(connection).text_sql(stored_field(field), column, connection)


def stored_field(field: AnyField) -> AnyField:
    """Return the field that says how a column is stored: the one that a key points to, the one that is generated."""
    while True:
        if isinstance(field, ForeignObject):
            field = field.foreign_related_fields[0]
        elif isinstance(field, GeneratedField):
            field = cast("AnyField", field.output_field)
        else:
            return field


def _converts(field: AnyField) -> bool:
    """Say whether a field turns what it reads into something else, in code that is not Django's."""
    base = getattr(field, "base_field", None)
    if isinstance(base, Field) and _converts(base):
        return True
    for kind in type(field).__mro__:
        if "from_db_value" in vars(kind) or "get_db_converters" in vars(kind):
            return not kind.__module__.startswith("django.")
    return False


def _dialect(connection: BaseDatabaseWrapper) -> _Dialect:
    dialect = _DIALECTS.get(connection.vendor)
    if dialect is None:
        raise AuditError(
            f"Values as JSON in SQL are known for PostgreSQL and SQLite, not for {connection.display_name}. "
            "Record the rows in Python."
        )
    return dialect
