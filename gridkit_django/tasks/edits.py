"""Bulk changes in the worker, and cleaning up after edits."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.grids import bulk_jobs, idempotency, keeping
from gridkit_django.plugins import plugin_manager


@shared_task(
    name="gridkit.run_bulk", ignore_result=True, autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5
)
def run_bulk(job_id: str) -> None:
    """Carry out one bulk change; the job's row tells how it went.

    Args:
        job_id: primary key of the job as text.
    """
    # Plugins may veto and record each row, and the grids' room stands below them: this process follows first.
    plugin_manager().ensure_current()
    bulk_jobs.run_bulk(job_id)


@shared_task(name="gridkit.expire_edits", ignore_result=True)
def expire_edits() -> int:
    """Delete what is too old to be undone or answered again, and end bulk changes whose worker is gone.

    Returns:
        How many rows were deleted or ended. Let Celery beat call it every few minutes.
    """
    with acting(Actor.system("edits"), EventSource.SYSTEM):
        return keeping.expire_undos() + idempotency.expire_answers() + bulk_jobs.fail_lost_bulk_jobs()
