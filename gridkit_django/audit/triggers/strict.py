"""The state of strict mode in this process: which models it is for, and whether the database follows them."""

from __future__ import annotations

import time
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.plans import WatchBook
from gridkit_django.audit.policies import PolicyTable
from gridkit_django.audit.triggers.announcing import ActAnnouncer
from gridkit_django.audit.triggers.installation import Triggers, strict_labels
from gridkit_django.exceptions import AuditTriggerError

_NONE: frozenset[str] = frozenset()

SECONDS = 5.0
"""How long an answer of the database holds: triggers are installed and removed by other processes."""


class StrictAudit:
    """Knows which models the triggers follow, and sees that connections tell who acts. One for the process."""

    def __init__(self) -> None:
        self._table = PolicyTable()
        self._labels, self._tables = _NONE, _NONE
        self._has_bare = False
        self._followed: dict[str, tuple[float, frozenset[str]]] = {}

    def follow(self, table: PolicyTable) -> None:
        """Take over a table of policies."""
        labels = strict_labels(table)
        book = WatchBook(table, labels)
        self._table, self._labels = table, labels
        self._tables = frozenset(watch.model._meta.db_table for watch in book.by_label.values()) if labels else _NONE
        self._has_bare = any(not policy.include_metadata for label in labels for policy in table.by_model[label])
        self.forget()
        for connection in connections.all(initialized_only=True):
            self.connected(connection)

    def connected(self, connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
        """Let a connection tell who acts, where strict models may be written."""
        wrappers = connection.execute_wrappers
        if self._labels and connection.vendor == "postgresql" and _announcer(connection) is None:
            # In front: a block with a wrapper of its own takes away the last one when it ends.
            wrappers.insert(0, ActAnnouncer(connection, lambda: self._tables, lambda: self._has_bare))

    def followed(self, connection: BaseDatabaseWrapper) -> frozenset[str]:
        """Return the models that the triggers of a database follow, so that nobody else has to.

        A strict model whose triggers are not there is not among them: the ORM's writes are captured then.
        """
        if not self._labels or connection.vendor != "postgresql":
            return _NONE
        known = self._followed.get(connection.alias)
        now = time.monotonic()
        if known is None or known[0] < now:
            known = self._followed[connection.alias] = (now + SECONDS, self._ask(connection))
        return known[1]

    def forget(self) -> None:
        """Ask the databases again."""
        self._followed = {}

    def _ask(self, connection: BaseDatabaseWrapper) -> frozenset[str]:
        try:
            return Triggers(connection, self._table).followed()
        except AuditTriggerError:  # the trail has no table yet: migrations write rows before
            return _NONE


def announce(using: str) -> None:
    """Tell the database who acts, for statements that don't name what they write to, such as a function's.

    Args:
        using: alias of the database; a transaction is under way there.
    """
    announcer = _announcer(connections[using])
    if announcer is not None:
        announcer.announce()


def _announcer(connection: BaseDatabaseWrapper) -> ActAnnouncer | None:
    return next((item for item in connection.execute_wrappers if isinstance(item, ActAnnouncer)), None)
