"""What records of 10,000 rows cost in strict mode: beside Django, capture, and django-pghistory if it is there."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.audit.turns import tables_on_postgres


def run() -> Iterator[str]:
    """Give the tables of ``strict_turns``.

    Raises:
        RuntimeError: when their process fails; what it said is printed.
    """
    yield from tables_on_postgres("strict_turns", "ledger_settings")
