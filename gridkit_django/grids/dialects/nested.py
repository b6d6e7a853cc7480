"""Groups with what is inside them in one answer, for grids that can't ask for one level at a time."""

from __future__ import annotations

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryLimitError
from gridkit_django.grids.dialects.reading import Ask
from gridkit_django.grids.groups import NOTHING_MORE
from gridkit_django.grids.query import CountMode, GridQuery, OffsetWindow
from gridkit_django.grids.rows import Row, RowsPage

QUESTIONS_MAX = 100
"""Groups that one answer opens at most: each takes a question of its own."""


class Nest:
    """Opens the groups of an answer, within the limits of one answer.

    Args:
        page: the outermost groups.
        query: the question that it answers.
        ask: asks the engine.
        at: where the request asks for open groups (JSON Pointer), for refusals.
    """

    def __init__(self, page: RowsPage, query: GridQuery, ask: Ask, at: str) -> None:
        self._query = query.with_changes(include=NOTHING_MORE, count=CountMode.NONE)
        self._ask = ask
        self._at = at
        self._room = settings().PAGE_SIZE_MAX - len(page.rows)
        self._questions = 0

    def inside(self, row: Row, path: tuple[object, ...]) -> tuple[Row, ...]:
        """Return what is inside a group: the groups of the next level, or its rows.

        Args:
            row: the group.
            path: the keys that lead to it, its own not among them.

        Raises:
            QueryLimitError: when that makes too many rows or too many questions for one answer.
        """
        self._questions += 1
        if self._questions > QUESTIONS_MAX:
            raise QueryLimitError.at(self._at, f"At most {QUESTIONS_MAX} groups can be open in one answer.")
        key = None if row.group is None else row.group.key
        window = OffsetWindow(0, max(self._room, 1))
        page = self._ask(self._query.with_changes(path=(*path, key), window=window))
        if page.window.has_next or len(page.rows) > self._room:
            most = settings().PAGE_SIZE_MAX
            raise QueryLimitError.at(self._at, f"The open groups hold more than {most} rows, the most of one answer.")
        self._room -= len(page.rows)
        return page.rows
