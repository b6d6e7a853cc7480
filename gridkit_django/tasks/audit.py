"""Sealing and delivering the audit trail in the worker."""

from __future__ import annotations

from celery import shared_task
from django.db import connections

from gridkit_django.audit.partitions import is_partitioned, make_ahead, remove_leftover
from gridkit_django.audit.retention import purge
from gridkit_django.audit.sealing import seal_all, sealed_aliases
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.plugins import deliver_trail, plugin_manager


@shared_task(name="gridkit.seal_audit", ignore_result=True)
def seal_audit() -> int:
    """Seal the audit records that have no seal yet, and let checkpoints that are due leave the machine.

    Returns:
        How many records were sealed. Let Celery beat call it every few seconds.
    """
    with acting(Actor.system("sealer"), EventSource.SYSTEM):
        return sum(done.records for done in seal_all().values())


@shared_task(name="gridkit.deliver_audit", ignore_result=True)
def deliver_audit() -> int:
    """Send sealed audit records to each destination that lacks them and is due.

    Returns:
        How many records were taken. Let Celery beat call it every few seconds.
    """
    plugin_manager().ensure_current()
    with acting(Actor.system("delivery"), EventSource.SYSTEM):
        runtime = plugin_manager().runtime
        return sum(report.records for using in sealed_aliases() for report in deliver_trail(runtime, using=using))


@shared_task(name="gridkit.purge_audit", ignore_result=True)
def purge_audit() -> int:
    """Remove the audit records whose time is over, see ``AUDIT_RETENTION``.

    Returns:
        How many records went. Let Celery beat call it once a day.
    """
    with acting(Actor.system("retention"), EventSource.SYSTEM):
        return sum(purge(using=using).removed for using in sealed_aliases())


@shared_task(name="gridkit.partition_audit", ignore_result=True)
def partition_audit() -> int:
    """Make the partitions of the audit records that are lacking ahead, where the table is partitioned.

    Returns:
        How many were made. Let Celery beat call it once a day, by a login that owns the table.
    """
    with acting(Actor.system("partitions"), EventSource.SYSTEM):
        return sum(_partitioned(using) for using in sealed_aliases())


def _partitioned(using: str) -> int:
    if is_partitioned(connections[using]):
        return len(make_ahead(using))
    remove_leftover(using)
    return 0
