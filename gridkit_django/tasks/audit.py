"""Sealing the audit trail in the worker."""

from __future__ import annotations

from celery import shared_task

from gridkit_django.audit.sealing import seal_all
from gridkit_django.events import Actor, EventSource, acting


@shared_task(name="gridkit.seal_audit", ignore_result=True)
def seal_audit() -> int:
    """Seal the audit records that have no seal yet, and let checkpoints that are due leave the machine.

    Returns:
        How many records were sealed. Let Celery beat call it every few seconds.
    """
    with acting(Actor.system("sealer"), EventSource.SYSTEM):
        return sum(done.records for done in seal_all().values())
