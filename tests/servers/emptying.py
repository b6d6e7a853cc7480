"""Empties the database after a test that commits, quickly: what was there before the first test stays.

Django's own way truncates every table and then sends `post_migrate`, whose receivers make content types and permissions
anew. That takes longer than most of these tests do, a thousand times in a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

from gridkit_django.audit.barrier import Barrier

Rows = list[tuple[Any, ...]]

_WITH_PAGES = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relname = ANY(%s)
AND (relkind <> 'r' OR pg_relation_size(oid) > 0)
"""
"""The tables that may hold a row; of a partitioned one its parts know that."""

_GUARDS = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'gridkit_keep_delete_%'"
"""What refuses to empty audit tables in SQLite."""


class Content:
    """What the tables of a database hold at first.

    Args:
        alias: the database, with all its tables.
    """

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._first = {table: self._rows(table) for table in self._filled(self._tables())}

    @property
    def _connection(self) -> BaseDatabaseWrapper:
        """The connection of now: a browser's event loop has one of its own, which is also that of ``atomic``."""
        return connections[self._alias]

    def restore(self) -> None:
        """Remove what was added, and put back what was changed or removed."""
        filled = self._filled(self._tables())
        changed = [table for table, rows in self._first.items() if self._rows(table) != rows]
        added = [table for table in filled if table not in self._first]
        if not added and not changed:
            return
        with transaction.atomic(using=self._alias), self._unguarded(added):
            for table in (*added, *changed):
                self._execute(f"DELETE FROM {self._quoted(table)}")
            for table in changed:
                self._insert(table)
        ContentType.objects.clear_cache()

    @contextmanager
    def _unguarded(self, tables: Sequence[str]) -> Iterator[None]:
        """Let the audit tables among some be emptied.

        SQLite has no switch for triggers: those that stand in the way go and come again, not all that the barrier has.
        """
        if self._connection.vendor == "postgresql":
            with Barrier(self._connection).lowered():
                yield
            return
        names = ", ".join(f"'{table}'" for table in tables)
        guards = self._execute(f"{_GUARDS} AND tbl_name IN ({names})")
        for name, _ in guards:
            self._execute(f"DROP TRIGGER {name}")
        yield
        for _, statement in guards:
            self._execute(statement)

    def _tables(self) -> list[str]:
        """Return the tables that may hold a row.

        PostgreSQL leaves out those that it has no page of: to plan a question to each of all would take it 40 ms.
        """
        connection = self._connection
        if connection.vendor != "postgresql":
            return sorted(connection.introspection.django_table_names(only_existing=True, include_views=False))
        with connection.cursor() as cursor:
            cursor.execute(_WITH_PAGES, [connection.introspection.django_table_names()])
            return sorted(name for (name,) in cursor.fetchall())

    def _filled(self, tables: Sequence[str]) -> list[str]:
        """Return the tables that hold a row."""
        found: list[str] = []
        for start in range(0, len(tables), 100):  # SQLite takes 500 parts in a compound SELECT
            parts = [
                f"SELECT {number} WHERE EXISTS (SELECT 1 FROM {self._quoted(table)})"
                for number, table in enumerate(tables[start : start + 100], start)
            ]
            found += [tables[number] for (number,) in self._execute(" UNION ALL ".join(parts))]
        return found

    def _rows(self, table: str) -> Rows:
        return sorted(self._execute(f"SELECT * FROM {self._quoted(table)}"), key=repr)

    def _insert(self, table: str) -> None:
        rows = self._first[table]
        marks = ", ".join(["%s"] * len(rows[0]))
        with self._connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {self._quoted(table)} VALUES ({marks})", rows)

    def _execute(self, statement: str) -> Rows:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _quoted(self, table: str) -> str:
        return self._connection.ops.quote_name(table)


@contextmanager
def quick_emptying() -> Iterator[None]:
    """Let tests that commit be cleared away by `Content.restore` while the block runs."""
    first = {alias: Content(alias) for alias in connections}
    djangos = TransactionTestCase._fixture_teardown

    def teardown(case: TransactionTestCase) -> None:
        if case.available_apps is not None or case.serialized_rollback:
            djangos(case)
            return
        for alias in case._databases_names(include_mirrors=False):
            first[alias].restore()

    with mock.patch.object(TransactionTestCase, "_fixture_teardown", teardown):
        yield
