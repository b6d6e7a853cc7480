"""What records cost when rows are written by the thousand: on PostgreSQL and on SQLite, beside plain Django."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.audit.turns import tables_on_both


def run() -> Iterator[str]:
    """Give the tables of ``bulk_turns`` for both databases.

    Raises:
        RuntimeError: when their process fails; what it said is printed.
    """
    yield from tables_on_both("bulk_turns", "bulk_settings")
