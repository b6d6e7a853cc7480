"""Installing, removing and checking the triggers of one database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.plans import Watch, WatchBook
from gridkit_django.audit.policies import PolicyTable
from gridkit_django.audit.triggers.catalog import Installed, installed, partitions_of, schemas_of
from gridkit_django.audit.triggers.code import TriggerCode, codes_of
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditTriggerError
from gridkit_django.models import AuditOperation, AuditRecord

_OWN_APP = "gridkit_django"


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is not as it should be.

    Attributes:
        table: the table that it is about.
        verb: the statement that the trigger answers to.
        fault: what is wrong.
    """

    table: str
    verb: str
    fault: str

    def __str__(self) -> str:
        return f"{self.table}, {self.verb}: {self.fault}"


def strict_labels(table: PolicyTable) -> frozenset[str]:
    """Return the models that the triggers are to follow."""
    found = {label: table.effective(label) for label in table.by_model}
    return frozenset(label for label, policy in found.items() if policy is not None and policy.strict)


class Triggers:
    """The triggers of one database.

    Args:
        connection: the database.
        table: the policies.

    Raises:
        AuditTriggerError: when the database is not PostgreSQL.
    """

    def __init__(self, connection: BaseDatabaseWrapper, table: PolicyTable) -> None:
        if connection.vendor != "postgresql":
            raise AuditTriggerError(
                f"Strict mode needs PostgreSQL; the database {connection.alias!r} is {connection.display_name}. "
                "Leave out 'strict': its writes are captured at the ORM."
            )
        self._connection = connection
        self._table = table

    def expected(self) -> list[TriggerCode]:
        """Return the triggers that should be there.

        Raises:
            AuditTriggerError: when a table is not there.
        """
        watches = list(self._watches())
        if not watches:
            return []
        trail = [AuditRecord._meta.db_table, AuditOperation._meta.db_table]
        schemas = schemas_of(self._connection, [*trail, *(watch.model._meta.db_table for watch in watches)])
        if len(set(schemas.values())) > 1:
            raise AuditTriggerError(
                f"The followed tables and the audit trail are in several schemas: {sorted(set(schemas.values()))}. "
                "Strict mode needs them in one."
            )
        roles = settings().AUDIT_DATABASE_ROLES
        schema = schemas[trail[0]]
        return [
            code
            for watch in watches
            for code in codes_of(watch, schema, self._connection, roles, self._partitions(schema, watch))
        ]

    def drift(self) -> list[Drift]:
        """Return what is not as it should be, in the order of the tables."""
        expected = {code.function: code for code in self.expected()}
        found: dict[str, list[Installed]] = {}
        for item in self._installed():
            found.setdefault(item.function, []).append(item)
        faults = [
            Drift(table, code.verb.value, fault)
            for name, code in expected.items()
            for table, fault in _faults(code, found.get(name, []))
        ]
        left = [item for name, items in found.items() if name not in expected for item in items]
        apart = [item for name, code in expected.items() for item in _apart(code, found.get(name, []))]
        return [
            *faults,
            *(Drift(item.table or item.function, item.trigger or "function", _LEFT) for item in left),
            *(Drift(str(item.table), str(item.trigger), _APART) for item in apart),
        ]

    def install(self) -> list[str]:
        """Bring the database to what it should be, whole or not at all, and return the statements."""
        return self._carry_out(self.installation())

    def remove(self) -> list[str]:
        """Remove every trigger and function of ours and return the statements."""
        return self._carry_out(self.removal())

    def installation(self) -> list[str]:
        """Return the statements of ``install``; none when nothing has to be done."""
        if not self.drift():
            return []
        expected = {code.function: code for code in self.expected()}
        there = self._installed()
        gone = [item for item in there if item.function not in expected]
        apart = [one for item in there if item.function in expected for one in _apart(expected[item.function], [item])]
        quote = self._connection.ops.quote_name
        detached = [
            f"DROP TRIGGER {quote(str(item.trigger))} ON {quote(str(item.table_schema))}.{quote(str(item.table))}"
            for item in apart
        ]
        made = (text for code in expected.values() for text in code.statements(self._connection))
        return [*self._dropped(gone), *detached, *made]

    def removal(self) -> list[str]:
        """Return the statements of ``remove``."""
        return self._dropped(self._installed())

    def followed(self) -> frozenset[str]:
        """Return the strict models of which every table has its triggers, drifted or not."""
        there = {(item.table, item.function) for item in self._installed() if item.enabled}
        try:
            lacking = {code.table for code in self.expected() if (code.table, code.function) not in there}
        except AuditTriggerError:
            return frozenset()
        return frozenset(
            label
            for label in strict_labels(self._table)
            if not lacking & {watch.model._meta.db_table for watch in self._watches(frozenset({label}))}
        )

    def _watches(self, labels: frozenset[str] | None = None) -> Iterator[Watch]:
        book = WatchBook(self._table, strict_labels(self._table) if labels is None else labels)
        for _, watch in sorted(book.by_label.items()):
            if router.allow_migrate_model(self._connection.alias, watch.model):
                yield watch

    def _partitions(self, schema: str, watch: Watch) -> list[tuple[str, str]] | None:
        return partitions_of(self._connection, schema, watch.model._meta.db_table)

    def _installed(self) -> list[Installed]:
        tables = [AuditRecord._meta.db_table]
        return installed(self._connection, sorted(set(schemas_of(self._connection, tables).values())))

    def _dropped(self, items: Sequence[Installed]) -> list[str]:
        quote = self._connection.ops.quote_name
        # A function takes its triggers along.
        return [
            f"DROP FUNCTION {quote(schema)}.{quote(name)}() CASCADE"
            for schema, name in dict.fromkeys((item.schema, item.function) for item in items)
        ]

    def _carry_out(self, statements: list[str]) -> list[str]:
        with transaction.atomic(using=self._connection.alias), self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        config: Any = apps.get_app_config(_OWN_APP)
        config.strict_audit.forget()
        return statements


_LEFT = "is there, but the model is not strict any more"


_APART = "is there, but the table is no part of the followed table any more"


def _faults(code: TriggerCode, items: Sequence[Installed]) -> Iterator[tuple[str, str]]:
    """Yield the tables on which a trigger is not as it should be, each with what is wrong."""
    if not items:
        yield code.table, "is missing"
        return
    for place in code.tables:
        if fault := _fault(code, place, items):
            yield place[1], fault


def _apart(code: TriggerCode, items: Sequence[Installed]) -> list[Installed]:
    """Return the triggers on tables that should have none, for example partitions that were detached."""
    return [item for item in items if item.table and _place(item) not in code.tables]


def _fault(code: TriggerCode, place: tuple[str, str], items: Sequence[Installed]) -> str:
    mine = next((item for item in items if item.trigger == code.trigger and _place(item) == place), None)
    if mine is None:
        return "has a function, but no trigger"
    if not mine.enabled:
        return "is disabled"
    if mine.comment != code.comment:
        return "is of another state of the model or its policy"
    if (mine.body, mine.settings, mine.definer) != (code.body, code.settings, True):
        return "was changed by hand"
    return ""


def _place(item: Installed) -> tuple[str | None, str | None]:
    return item.table_schema, item.table
