"""Text that equals one of many without regard to case, as one comparison with one parameter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, TextField, Value
from django.db.models.functions import Upper
from django.db.models.lookups import In
from django.db.models.sql.compiler import SQLCompiler


class EqualsAny(Func):
    """Whether a text, in capitals, is one of these, in capitals. The database makes all capitals, by its own rules.

    A comparison with a thousand values that are expressions of their own would cost more than the query itself.

    Args:
        path: ORM path of the text.
        texts: the texts; at least one.
    """

    output_field = BooleanField()

    def __init__(self, path: str, texts: Sequence[str]) -> None:
        super().__init__(F(path))
        self._texts = tuple(texts)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any) -> tuple[str, list[Any]]:
        """Compare with an array."""
        text, params = compiler.compile(self.source_expressions[0])
        listed = "ARRAY(SELECT UPPER(one) FROM unnest(%s::text[]) AS one)"
        return f"UPPER({text}) = ANY({listed})", [*params, list(self._texts)]

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        """Compare with the values of a JSON array."""
        text, params = compiler.compile(self.source_expressions[0])
        listed = "SELECT UPPER(value) FROM json_each(%s)"
        return f"UPPER({text}) IN ({listed})", (*params, json.dumps(self._texts))

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        """Compare with each of them."""
        uppered = [Upper(Value(text, TextField())) for text in self._texts]
        sql, params = compiler.compile(In(Upper(self.source_expressions[0]), uppered))
        return sql, list(params)
