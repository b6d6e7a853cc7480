"""An UPDATE of SQLite, which returns no row as it was: rows are read, then changed; nobody else writes meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeAlias

from gridkit_django.audit.direct import is_unwatched
from gridkit_django.exceptions import AuditUnavailableError

Raw: TypeAlias = tuple[Any, ...]
"""One row as the driver returns it."""

_Part: TypeAlias = tuple[str, Sequence[Any]]
"""A part of a statement, and its parameters."""

_ROW_IDS = ("rowid", "oid", "_rowid_")
"""What SQLite calls the number of a row, unless a column has that name."""


def update_in_two_steps(
    compiler: Any, head: _Part, where: _Part, columns: tuple[str, ...], keys: int, *, is_lone: bool
) -> list[tuple[Raw, Raw, Raw]]:
    """Carry out an UPDATE; for each row its key as it was, and the other columns before and after.

    Args:
        compiler: of the UPDATE.
        head: the statement up to its condition.
        where: the condition.
        columns: of the key, and then the others.
        keys: how many of them are of the key.
        is_lone: whether the condition is a key, and nothing else.
    """
    table, stored = _stored(compiler.query.get_meta().db_table, columns)
    if is_lone:
        old = _read_lone(compiler, f"SELECT {stored} FROM {table}{where[0]}", where[1])  # noqa: S608 - names, no values
        written = f"{head[0]}{where[0]} RETURNING {stored}"
        new = all_rows(compiler, written, (*head[1], *where[1])) if old else []
        return [(old[0][:keys], old[0][keys:], row[keys:]) for row in new]
    row_id = f"{table}.{_row_id(compiler.query.get_meta())}"
    old = all_rows(compiler, f"SELECT {row_id}, {stored} FROM {table}{where[0]}", where[1])  # noqa: S608
    if not old:
        return []
    # A condition that is asked twice may choose other rows: what is changed are those that were read.
    chosen = f"{head[0]} WHERE {row_id} IN (SELECT value FROM json_each(%s)) RETURNING {row_id}, {stored}"  # noqa: S608
    return matched(old, all_rows(compiler, chosen, (*head[1], json.dumps([row[0] for row in old]))), keys)


def all_rows(compiler: Any, sql: str, params: Sequence[Any]) -> list[Raw]:
    """Carry out a statement by the connection of a compiler, and return its rows."""
    with compiler.connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[Raw] = cursor.fetchall()
    return rows


def quoted(name: str) -> str:
    """Return a name as Django's backends for PostgreSQL and SQLite quote it."""
    return name if name.startswith('"') and name.endswith('"') else f'"{name}"'


@cache
def _stored(table: str, columns: tuple[str, ...]) -> tuple[str, str]:
    """Return a table, and its columns as they are stored: a plus takes the declared type away."""
    named = quoted(table)
    return named, ", ".join(f"+{named}.{quoted(column)}" for column in columns)


def _row_id(options: Any) -> str:
    taken = {str(field.column).lower() for field in options.local_concrete_fields}
    return next(name for name in _ROW_IDS if name not in taken)


def _read_lone(compiler: Any, sql: str, params: Sequence[Any]) -> list[Raw]:
    """Read a row before it is changed, straight from the driver where nobody looks on."""
    connection = compiler.connection
    if not is_unwatched(connection):
        return all_rows(compiler, sql, params)
    with connection.wrap_database_errors:
        found: list[Raw] = connection.connection.execute(f"{sql[:-2]}?", params).fetchall()
    return found


def matched(old: Sequence[Raw], new: Sequence[Raw], keys: int) -> list[tuple[Raw, Raw, Raw]]:
    """Bring rows before and after together by the number that each begins with; a single row may have another one now.

    Raises:
        AuditUnavailableError: when rows have other numbers, which are their keys where those are whole numbers.
    """
    before = {row[0]: row[1:] for row in old}
    if len(old) == len(new) == 1:
        before = {new[0][0]: old[0][1:]}
    if any(row[0] not in before for row in new):
        raise AuditUnavailableError(
            "Changing the primary keys of several rows in one statement can't be recorded. Change them one by one."
        )
    return [(before[row[0]][:keys], before[row[0]][keys:], row[1 + keys :]) for row in new]
