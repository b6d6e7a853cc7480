"""Who writes many rows and through what, for records that the database makes itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from gridkit_django.audit.capture.plans import Policied, Watch
from gridkit_django.audit.capture.reasons import require_reason
from gridkit_django.audit.capture.values import Field
from gridkit_django.audit.policies import AuditPolicy
from gridkit_django.audit.writer import (
    OPERATIONS,
    TABLE,
    Circumstances,
    actor_columns,
    operation_statement,
    unavailable,
)
from gridkit_django.events import current_act

COLUMNS = (
    "uuid", "operation_id", "action", "actor_kind", "actor_id", "actor_label", "target_type", "target_id",
    "target_label", "grid", "changes", "schema_version", "occurred_at",
)  # fmt: skip


class BulkAct:
    """The act under way, told by the records of one statement.

    Args:
        watch: of the table.
        connection: the database.
        policy: what is told.
    """

    def __init__(self, watch: Watch, connection: BaseDatabaseWrapper, policy: AuditPolicy) -> None:
        policies: Any = watch.policies
        self._policies: Policied = policies
        self._connection = connection
        self._policy = policy
        _, self._grid = policies.now()
        self._act = current_act()
        self._circumstances = Circumstances.of(self._act, metadata=policy.include_metadata)

    def operation(self) -> tuple[str, tuple[Any, ...]]:
        """Return the INSERT of the operation, to which a condition can be added, and its parameters."""
        return operation_statement(self._connection, self._circumstances)

    def records(self, action: str, key: str, label: str, changes: str, uuid: str) -> tuple[str, tuple[Any, ...]]:
        """Return the INSERT of records up to where they come from, and its parameters.

        Args:
            action: what was done, as SQL.
            key: the text of the row's key, as SQL.
            label: the label of the row, as SQL.
            changes: the text of its entries without braces, as SQL.
            uuid: what the record is called outside, as SQL.
        """
        is_postgres = self._connection.vendor == "postgresql"
        cast = "::json" if is_postgres else ""
        sql = (
            f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) "
            f"SELECT {uuid}, %s, {action}, %s, %s, %s, %s, {key}, {label}, %s, ('{{' || {changes} || '}}'){cast}, 1, %s"
        )
        operation = self._circumstances.id
        return sql, (
            operation if self._connection.features.has_native_uuid_field else operation.hex,
            *actor_columns(self._act.actor),
            self._policies.label,
            self._grid,
            self._connection.ops.adapt_datetimefield_value(timezone.now()),
        )

    def wrote(self, records: int) -> None:
        """Judge that so many records were written.

        Raises:
            ReasonRequiredError: when a person gave no reason for them and must.
        """
        if records:
            require_reason(self._policy, self._act, self._policies.label)

    def label_field(self) -> Field | None:
        """Return the field that labels the rows."""
        return self._policies.label_field(self._policy)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Refuse the write when the trail can't be written.

        Raises:
            AuditUnavailableError: instead of what the database says of the tables of the trail.
        """
        try:
            yield
        except DatabaseError as error:
            if TABLE in str(error) or OPERATIONS in str(error):
                raise unavailable() from error
            raise
