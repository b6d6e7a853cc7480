"""What the record of a lone write costs: create, save, delete of one row, on PostgreSQL and SQLite, beside peers."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.audit.turns import tables_on_both


def run() -> Iterator[str]:
    """Give the tables of ``lone_turns`` for both databases.

    Raises:
        RuntimeError: when their process fails; what it said is printed.
    """
    yield from tables_on_both("lone_turns", "ledger_settings")
