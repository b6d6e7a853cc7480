"""Sealing and delivering the audit trail in the worker."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from gridkit_django.audit.partitions import is_partitioned, make_ahead, remove_leftover
from gridkit_django.audit.retention import purge
from gridkit_django.audit.sealing import seal_all, sealed_aliases
from gridkit_django.audit.verify import request_verification, run_verification
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import TaskQueueUnsetError
from gridkit_django.models import AuditVerification, VerificationState
from gridkit_django.plugins import deliver_trail, plugin_manager
from gridkit_django.tasks.sending import send

logger = logging.getLogger("gridkit_django.tasks")


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


@shared_task(name="gridkit.verify_audit", ignore_result=True)
def verify_audit(number: int | None = None, alias: str = DEFAULT_DB_ALIAS) -> int:
    """Verify the audit trail, and note how far it is and what was found.

    Args:
        number: key of the verification that somebody asked for; without it all databases are verified.
        alias: of the database of that verification.

    Returns:
        How much is wrong, as far as it could be finished. Let Celery beat call it once a day or week.
    """
    with acting(Actor.system("verification"), EventSource.SYSTEM):
        if number is None:
            rows = [request_verification(using) for using in sealed_aliases()]
        else:
            rows = list(AuditVerification.objects.using(alias).filter(pk=number))
        found = [run_verification(row) for row in rows if row.state == VerificationState.QUEUED]
    return sum(result.fault_count for result in found if result is not None)


def enqueue_verification(row: AuditVerification) -> None:
    """Let a worker carry out a verification; a queue that can't be reached is told on its row."""
    try:
        send(verify_audit, [row.pk, row._state.db or DEFAULT_DB_ALIAS])
    except Exception as error:  # whatever the queue's client raises, told on the row
        logger.exception("The verification %s could not be queued", row.pk)
        row.state, row.finished_at = VerificationState.FAILED, timezone.now()
        row.error = TaskQueueUnsetError.tell(error)
        row.save(update_fields=["state", "finished_at", "error"])


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
