"""The barrier around the audit tables: the database itself refuses to change or remove what was recorded.

A record may go when a receipt (``AuditPurge``) names it, so nothing can be removed without a trace that itself stays;
an operation may go when no record is left of it. Whoever owns the tables can lower the barrier on purpose, as it could
drop it; nobody does so by accident. The seals show what was done meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit import barrier_postgres, barrier_sqlite
from gridkit_django.audit.barrier_rules import RULES, Rule


class _Dialect(Protocol):
    """What a module for one database offers."""

    def raising(self, connection: BaseDatabaseWrapper, rules: Sequence[Rule], /) -> list[str]: ...

    def dropping(self, connection: BaseDatabaseWrapper, rules: Sequence[Rule], /) -> list[str]: ...

    def standing(self, connection: BaseDatabaseWrapper, /) -> frozenset[tuple[str, str]]: ...


_DIALECTS: dict[str, _Dialect] = {"postgresql": barrier_postgres, "sqlite": barrier_sqlite}

_SWITCH = "SELECT set_config('gridkit.barrier', %s, false)"


class Barrier:
    """The barrier of one database. On a database other than PostgreSQL and SQLite there is none.

    Args:
        connection: the database.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._dialect = _DIALECTS.get(connection.vendor)

    def stands(self) -> bool:
        """Whether it is there, whole, around every audit table that there is."""
        if self._dialect is None:
            return False
        wanted = {(rule.table, name) for rule in self._rules() for name in rule.triggers(self._connection.vendor)}
        if not wanted:
            return False
        # The trigger for each row comes to partitions from the table.
        names = RULES[0].triggers(self._connection.vendor)[1:]
        wanted |= {(part, name) for part in self._partitions() for name in names}
        return wanted <= self._dialect.standing(self._connection)

    def make(self) -> None:
        """Put it up, where there is something to guard and it does not stand already."""
        if self._dialect is None or self.stands():
            return
        if rules := self._rules():
            self._execute(self._dialect.raising(self._connection, rules))
            self._guard_partitions()

    def drop(self) -> None:
        """Take it away, for migrations of the audit tables; ``make`` puts it up again."""
        if self._dialect is not None:
            self._execute(self._dialect.dropping(self._connection, self._rules()))

    def make_for_records(self) -> None:
        """Put it up around the records only, whose table was made anew.

        Writers hold other audit tables while they wait for this one, so those must not be asked for.
        """
        if self._dialect is not None:
            self._execute(self._dialect.raising(self._connection, [rule for rule in self._rules() if rule is RULES[0]]))
            self._guard_partitions()

    def guard_partition(self, table: str) -> None:
        """Guard a partition of the records, which is reached by its own name, too (PostgreSQL).

        Args:
            table: its name.
        """
        if self._connection.vendor == "postgresql":
            self._execute(barrier_postgres.guarding_partition(self._connection, table))

    @contextmanager
    def lowered(self) -> Iterator[None]:
        """Let the owner of the tables do what it wants in the block, by this connection."""
        if self._connection.vendor == "postgresql":
            self._switch("off")
            try:
                yield
            finally:
                self._switch("on")
            return
        stood = self.stands()
        self.drop()
        try:
            yield
        finally:
            if stood:
                self.make()

    def revocation(self) -> list[str]:
        """Return the statements that take away rights on the trail that nobody needs (PostgreSQL)."""
        if self._connection.vendor != "postgresql":
            return []
        return barrier_postgres.revoking(self._connection, self._rules())

    def revoke(self) -> list[str]:
        """Take away rights to change or remove records, and tell what could be done."""
        wanted = self.revocation()
        for statement in wanted:
            with suppress(DatabaseError), transaction.atomic(using=self._connection.alias):
                self._execute([statement])
        # PostgreSQL only warns of rights that another has granted: what counts is what is left.
        left = set(self.revocation())
        told = [f"{'Not allowed' if statement in left else 'Done'}: {statement}" for statement in wanted]
        if self._connection.vendor == "postgresql" and barrier_postgres.is_owner(self._connection, RULES[0].table):
            told.append(
                "This login owns the audit tables, so it can lower the barrier. Let the site use a login that does not."
            )
        return told

    def _rules(self) -> list[Rule]:
        """Return the rules about tables that there are."""
        with self._connection.cursor() as cursor:
            tables = set(self._connection.introspection.table_names(cursor))
        return [rule for rule in RULES if {rule.table, *rule.needs} <= tables]

    def _guard_partitions(self) -> None:
        for part in self._partitions():
            self.guard_partition(part)

    def _partitions(self) -> list[str]:
        return barrier_postgres.partitions(self._connection) if self._connection.vendor == "postgresql" else []

    def _switch(self, value: str) -> None:
        if barrier_postgres.is_aborted(self._connection):  # the transaction takes the setting back with it
            return
        with self._connection.cursor() as cursor:
            cursor.execute(_SWITCH, [value])

    def _execute(self, statements: Sequence[str]) -> None:
        with transaction.atomic(using=self._connection.alias), self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def drop_before_migrations(*, using: str, plan: Sequence[tuple[Any, bool]], sender: Any, **_kwargs: Any) -> None:
    """Take the barrier away when migrations of the audit tables are going to run.

    Args:
        using: alias of the database.
        plan: the migrations, each with whether it is undone.
        sender: the app whose migrations count.
    """
    if any(migration.app_label == sender.label for migration, _ in plan):
        Barrier(connections[using]).drop()


def make_after_migrations(*, using: str, **_kwargs: Any) -> None:
    """Put the barrier up, when the audit tables are in the database.

    Args:
        using: alias of the database.
    """
    Barrier(connections[using]).make()
