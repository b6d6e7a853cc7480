"""The databases that hold audit records, and sealing all of them."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connections, router

from gridkit_django.audit.checkpoints import keep_up
from gridkit_django.audit.sealing.sealer import Sealed, Sealer
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditRecord, AuditSeal

logger = logging.getLogger("gridkit_django.audit")


def sealed_aliases() -> list[str]:
    """Return the aliases of the databases that hold the tables of the audit trail; replicas are left out by routers."""
    return [alias for alias in connections if router.allow_migrate_model(alias, AuditRecord) and _has_tables(alias)]


def seal_all(seconds: float = 20.0, *, despite: bool = False) -> dict[str, Sealed]:
    """Seal the records of every database, and let the checkpoints that are due leave the machine.

    One that can't be sealed does not keep the others from it.

    Args:
        seconds: how long for each database; no seal is begun after that.
        despite: go on although a chain is broken.

    Returns:
        Alias to what was done.

    Raises:
        AuditError: after the others were sealed, when one could not be.
    """
    done: dict[str, Sealed] = {}
    failed: list[Exception] = []
    for alias in sealed_aliases():
        try:
            sealer = Sealer(alias, despite=despite)
            done[alias] = sealer.run(seconds)
            keep_up(alias, sealer.signer)
        except (AuditError, DatabaseError) as error:
            logger.exception("The audit records of %r could not be sealed", alias)
            failed.append(error)
    if failed:
        raise failed[0]
    return done


def _has_tables(alias: str) -> bool:
    connection = connections[alias]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT to_regclass(%s)", [connection.ops.quote_name(AuditSeal._meta.db_table)])
            return cursor.fetchone()[0] is not None
        return AuditSeal._meta.db_table in connection.introspection.table_names(cursor)
