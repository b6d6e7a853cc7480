"""What both databases share when they write many rows and their records themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gridkit_django.audit.capture.bulk_acts import BulkAct
from gridkit_django.audit.capture.plans import Watch
from gridkit_django.audit.capture.values import Field
from gridkit_django.audit.policies import UPDATE, AuditPolicy
from gridkit_django.audit.sqlentries import Entries, column_of, key_text, label_text, literal, value_of


class ManyRows:
    """One statement on many rows, and what its records tell.

    Args:
        watch: of the table.
        compiler: of the statement.
        policy: what is told.
    """

    def __init__(self, watch: Watch, compiler: Any, policy: AuditPolicy) -> None:
        self._watch = watch
        self._compiler = compiler
        self._connection = compiler.connection
        self._policy = policy
        self._entries = Entries(policy, self._connection)
        self._act = BulkAct(watch, self._connection, policy)
        self._table = self._connection.ops.quote_name(watch.model._meta.db_table)

    def _named(self, alias: str) -> str:
        """Return key and label of a row as the columns ``k`` and ``l``."""
        field = self._act.label_field()
        label = label_text(field, column_of(field, alias, self._connection) if field else "", self._connection)
        return f"{key_text(self._watch.keys, alias, self._connection)} AS k, {label} AS l"

    def _is_told(self) -> str:
        """Return the condition for a record: of an action ``a`` that is asked for, with entries ``c`` of an update."""
        actions = ", ".join(literal(item) for item in sorted(self._policy.actions))
        return f"(c <> '' OR a <> {literal(UPDATE)}) AND a IN ({actions})"

    def _changed_from(self, pairs: Sequence[tuple[Field, str]], alias: str) -> str:
        """Return the entries of fields whose values have changed.

        Args:
            pairs: each field, and the column with its value before.
            alias: the row as it is now.
        """
        return self._entries.changed_columns(
            [
                (
                    item,
                    value_of(item, before, self._connection),
                    value_of(item, column_of(item, alias, self._connection), self._connection),
                )
                for item, before in pairs
            ]
        )
