"""Answers a request in another grid's dialect."""

from __future__ import annotations

from typing import Any

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.dialects.questions import Question
from gridkit_django.grids.dialects.registry import dialect_named
from gridkit_django.grids.query import CountMode, GridQuery
from gridkit_django.grids.rows import RowsPage, count_rows
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
    with reading.question.told_in_place():
        query = reading.question.query()
    ask = Engine(access, reading.question)
    return reading.answer(ask(query), ask)


class Engine:
    """Answers the questions of one request, and tells refusals in places of that request.

    Args:
        access: the grid and the user.
        question: the request in canonical words.
    """

    def __init__(self, access: GridAccess, question: Question) -> None:
        self._access = access
        self._question = question

    def __call__(self, query: GridQuery) -> RowsPage:
        """Answer a question.

        Raises:
            QueryError: for what the engine refuses; pointers are places of the foreign request.
        """
        with self._question.told_in_place():
            return fetch_rows(self._access, query)

    def count(self, query: GridQuery) -> int:
        """Return the exact number of rows that match a question."""
        with self._question.told_in_place():
            return count_rows(self._access, query, CountMode.EXACT).value or 0
