"""Answers a request in another grid's dialect."""

from __future__ import annotations

from typing import Any

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.dialects.registry import dialect_named
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import RowsPage
from gridkit_django.typing import MutableJSONObject


def answer_in_dialect(access: GridAccess, dialect: str, raw: Any) -> MutableJSONObject:
    """Answer a request of another grid.

    Args:
        access: the grid and the user.
        dialect: the name of a dialect, one of ``DIALECTS``.
        raw: the request's JSON.

    Raises:
        DialectError: for what the dialect does not understand or this engine can't do; nothing is ignored.
        QueryError: for what the engine refuses; pointers are places of the foreign request.
    """
    reading = dialect_named(dialect).read(raw, access)
    question = reading.question

    def ask(query: GridQuery) -> RowsPage:
        with question.told_in_place():
            return fetch_rows(access, query)

    with question.told_in_place():
        query = question.query()
    return reading.answer(ask(query), ask)
