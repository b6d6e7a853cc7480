"""JSON that is written far more often than it is searched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models.functions import Cast

from gridkit_django.models.documents import DocumentField


class JSONTextField(DocumentField):
    """A ``DocumentField`` that PostgreSQL keeps as text (``json``) instead of taking it apart (``jsonb``).

    Building a ``jsonb`` costs the database more than making its text does, and it is larger. Whoever looks into it
    pays for that instead: a condition reads the whole value first. The type has no equality, so queries over models
    with this field can't be ``distinct()`` or ``UNION`` without ``ALL``.
    """

    def db_type(self, connection: Any) -> str | None:
        """Return ``json`` on PostgreSQL, and what a ``JSONField`` has elsewhere."""
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Return what migrations know: the column is another one than that of a JSON field."""
        name, _, arguments, options = super().deconstruct()
        return name, f"{__name__}.{type(self).__name__}", arguments, options

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Let PostgreSQL give the text: what psycopg makes of ``json`` knows no odd values."""
        return (f"{sql}::text" if compiler.connection.vendor == "postgresql" else sql), params

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return the value as Python has it; in a raw query psycopg has read it already."""
        if connection.vendor == "postgresql" and not isinstance(value, str):
            return value
        return super().from_db_value(value, expression, connection)

    def get_lookup(self, lookup_name: str) -> Any:
        """Return a lookup that takes the value apart first; ``json`` itself can be asked nothing."""
        found: Any = super().get_lookup(lookup_name)
        return found if found is None or lookup_name == "isnull" else _taken_apart(found)

    def get_transform(self, lookup_name: str) -> Any:
        """Return a transform (a key) that takes the value apart first."""
        found: Any = super().get_transform(lookup_name)
        return None if found is None else _taken_apart(found)


def _taken_apart(found: Callable[..., Any]) -> Callable[..., Any]:
    def make(column: Any, *arguments: Any, **options: Any) -> Any:
        return found(Cast(column, DocumentField()), *arguments, **options)

    return make
