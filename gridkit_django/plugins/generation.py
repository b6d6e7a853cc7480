"""The generation: one integer in the database that rises with every change to plugins.

A writer raises it inside its own transaction; because that locks the row, changes to plugins happen one after the
other. Every process compares it with the number it followed last. Readers never write it.
"""

from __future__ import annotations

from django.db import connections, transaction
from django.db.models import F

from gridkit_django.models import RuntimeGeneration
from gridkit_django.plugins.hints import HintChannel
from gridkit_django.plugins.savepoints import database

_ROW = 1


class GenerationStore:
    """Reads and raises the generation.

    Args:
        hints: where other processes are told, after the commit, that it was raised; None for nowhere.
    """

    def __init__(self, hints: HintChannel | None = None) -> None:
        self._hints = hints
        self._table_seen = False

    def current(self) -> int:
        """Return the generation: one raw SELECT. 0 when nothing was ever changed.

        Raises:
            django.db.Error: when the database can't be asked, or its tables are not there yet.
        """
        connection = connections[database()]
        if connection.in_atomic_block and not self._table_seen:
            # A table that is not there must not break the transaction that we were called in.
            with transaction.atomic(using=connection.alias):
                return self._select(connection.alias)
        return self._select(connection.alias)

    def bump(self) -> None:
        """Raise the generation by one. Call it first in the transaction of a change: it makes others wait.

        The hint goes out first of all that follows the commit, so that others follow while this process does.
        """
        rows = RuntimeGeneration.objects.using(database())
        if not rows.filter(pk=_ROW).update(value=F("value") + 1):
            rows.create(pk=_ROW, value=1)
        if self._hints is not None:
            transaction.on_commit(self._hints.publish, using=database())

    def _select(self, alias: str) -> int:
        table = connections[alias].ops.quote_name(RuntimeGeneration._meta.db_table)
        with connections[alias].cursor() as cursor:
            cursor.execute(f"SELECT value FROM {table} WHERE id = %s", [_ROW])  # noqa: S608 - the name is the model's
            row = cursor.fetchone()
        self._table_seen = True
        return int(row[0]) if row else 0
