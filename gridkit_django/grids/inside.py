"""What is inside many groups of one level: one question for all of them instead of one for each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.group_rows import compile_level
from gridkit_django.grids.keys import GROUPS_AT_ONCE, bind_outer, in_groups
from gridkit_django.grids.query import GridQuery, OffsetWindow
from gridkit_django.grids.rows import Row, RowLayout, compile_query
from gridkit_django.grids.windows import WindowReader
from gridkit_django.typing import JSONValue

Path: TypeAlias = tuple[JSONValue, ...]


def fetch_inside(access: GridAccess, query: GridQuery, paths: Sequence[Path], most: int) -> list[tuple[Row, ...]]:
    """Return what is inside some groups: the groups of the next level, or rows of the model, each in their order.

    One SQL query answers for up to ``GROUPS_AT_ONCE`` groups.

    Args:
        access: the grid and the user.
        query: the query whose groups they are; its path and window play no part.
        paths: the keys that lead into each group, all of the same level.
        most: rows that are wanted in all. When the answer holds more, it is not complete.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for anything else that this grid can't answer.
    """
    inside: dict[str, list[Row]] = {json.dumps(path): [] for path in paths}
    left = most + 1
    for first in range(0, len(paths), GROUPS_AT_ONCE):
        chunk = paths[first : first + GROUPS_AT_ONCE]
        found = _together(access, query, chunk, left)
        if any(around not in inside for around, _ in found):
            found = _one_by_one(access, query, chunk, left)
        for around, row in found:
            inside[around].append(row)
        left -= len(found)
        if left <= 0:
            break
    return [tuple(rows) for rows in inside.values()]


def _together(access: GridAccess, query: GridQuery, paths: Sequence[Path], most: int) -> list[tuple[str, Row]]:
    """Read at most ``most`` rows of all groups, each with the id of its group."""
    query = query.with_changes(path=(), window=OffsetWindow(0, most))
    if len(paths[0]) == len(query.group):
        return _rows(access, query, paths, most)
    level = compile_level(access, query, paths)
    found = WindowReader(level.groups, level.terms, level.paths, level.key.frame).at_offset(0, most).values
    return [(json.dumps(level.path(values)), level.row(values)) for values in found]


def _rows(access: GridAccess, query: GridQuery, paths: Sequence[Path], most: int) -> list[tuple[str, Row]]:
    compiled = compile_query(access, query)
    keys = bind_outer(access, query.group, compiled.frame)
    rows = compiled.rows.filter(in_groups(keys, paths)).annotate(**{key.key.path: key.expression for key in keys})
    layout = RowLayout(access, compiled.columns, compiled.frame.zone, extra=compiled.terms)
    read = (*layout.paths, *(key.key.path for key in keys))
    found = WindowReader(rows, compiled.terms, read, compiled.frame).at_offset(0, most).values
    ids = (
        json.dumps([key.to_wire(value) for key, value in zip(keys, values[len(layout.paths) :], strict=True)])
        for values in found
    )
    return list(zip(ids, layout.rows(found), strict=True))


def _one_by_one(access: GridAccess, query: GridQuery, paths: Sequence[Path], most: int) -> list[tuple[str, Row]]:
    """Ask for each group alone: the database holds keys for equal that read differently, as with a loose collation."""
    found: list[tuple[str, Row]] = []
    for path in paths:
        if len(found) >= most:
            break
        window = OffsetWindow(0, most - len(found))
        found += [
            (json.dumps(path), row) for row in fetch_rows(access, query.with_changes(path=path, window=window)).rows
        ]
    return found
