"""Groups with what is inside them in one answer, for grids that can't ask for one level at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryLimitError
from gridkit_django.grids.dialects.reading import Ask
from gridkit_django.grids.groups import NOTHING_MORE
from gridkit_django.grids.query import CountMode, GridQuery
from gridkit_django.grids.rows import Row, RowsPage
from gridkit_django.typing import JSONValue

Path = tuple[JSONValue, ...]


class Nest:
    """Opens the groups of an answer, level by level, within the limits of one answer.

    However many groups are open, each level costs one question.

    Args:
        page: the outermost groups.
        query: the question that it answers.
        ask: asks the engine.
        is_open: whether what is inside a group is told.
        at: where the request asks for open groups (JSON Pointer), for refusals.

    Raises:
        QueryLimitError: when that makes too many rows for one answer.
    """

    def __init__(self, page: RowsPage, query: GridQuery, ask: Ask, is_open: Callable[[Row], bool], at: str) -> None:
        self._query = query.with_changes(include=NOTHING_MORE, count=CountMode.NONE)
        self._ask = ask
        self._is_open = is_open
        self._at = at
        self._room = settings().PAGE_SIZE_MAX - len(page.rows)
        self._inside: dict[JSONValue, tuple[Row, ...]] = {}
        level = self._opened(page.rows, ())
        while level:
            level = self._open_all(level)

    def inside(self, row: Row) -> tuple[Row, ...] | None:
        """Return what is inside a group: the groups of the next level, or its rows; None when it is not open."""
        return self._inside.get(row.id) if row.group is not None else None

    def _opened(self, rows: Sequence[Row], path: Path) -> list[tuple[Path, Row]]:
        """Return those of some rows that are open groups, each with the path that leads into it."""
        return [((*path, row.group.key), row) for row in rows if row.group is not None and self._is_open(row)]

    def _open_all(self, level: Sequence[tuple[Path, Row]]) -> list[tuple[Path, Row]]:
        """Open groups of one level, and return the open ones of those that were inside."""
        groups = [row.group for _, row in level if row.group is not None]
        self._refuse_over(sum(1 if group.expandable else group.child_count for group in groups))
        found = self._ask.inside(self._query, [path for path, _ in level], self._room)
        read = sum(len(rows) for rows in found)
        self._refuse_over(read)
        self._room -= read
        self._inside |= {row.id: rows for (_, row), rows in zip(level, found, strict=True)}
        return [item for (path, _), rows in zip(level, found, strict=True) for item in self._opened(rows, path)]

    def _refuse_over(self, rows: int) -> None:
        if rows > self._room:
            most = settings().PAGE_SIZE_MAX
            raise QueryLimitError.at(self._at, f"The open groups hold more than {most} rows, the most of one answer.")
