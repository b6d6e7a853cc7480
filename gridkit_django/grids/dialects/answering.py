"""Answers a request in another grid's dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.dialects.questions import Question
from gridkit_django.grids.dialects.registry import dialect_named
from gridkit_django.grids.inside import fetch_inside
from gridkit_django.grids.query import CountMode, GridQuery
from gridkit_django.grids.rows import Row, RowsPage, count_rows
from gridkit_django.typing import JSONValue, MutableJSONObject


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

    def inside(self, query: GridQuery, paths: Sequence[tuple[JSONValue, ...]], most: int) -> list[tuple[Row, ...]]:
        """Return what is inside each of some groups of one level; over ``most`` rows in all, it is not complete."""
        with self._question.told_in_place():
            return fetch_inside(self._access, query, paths, most)
