"""Export jobs in the worker."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError

from gridkit_django import exports
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.plugins import plugin_manager


@shared_task(
    name="gridkit.run_export", ignore_result=True, autoretry_for=(OperationalError,), retry_backoff=True, max_retries=5
)
def run_export(job_id: str) -> None:
    """Carry out one export job, or go on with it; the job's row tells how it went.

    The message is acknowledged at once. When the worker dies, ``resume_exports`` hands the job to the next one, which
    goes on after the last whole segment. Only when the database can't be reached to take the job is the task itself
    tried again.

    Args:
        job_id: primary key of the job as text.
    """
    # The formats come from plugins, and the exports' room stands below them: this process follows first.
    plugin_manager().ensure_current()
    exports.run_export(job_id)


@shared_task(name="gridkit.resume_exports", ignore_result=True)
def resume_exports() -> int:
    """Hand the exports to workers that none has: after a worker's death, a pause, or an outage of the task queue.

    Returns:
        How many were handed over. Let Celery beat call it every few seconds.
    """
    with acting(Actor.system("exports"), EventSource.SYSTEM):
        return exports.hand_waiting()


@shared_task(name="gridkit.expire_exports", ignore_result=True)
def expire_exports() -> int:
    """Delete expired files and end jobs whose worker is gone. Let Celery beat call it every few minutes."""
    with acting(Actor.system("exports"), EventSource.SYSTEM):
        return exports.expire_exports()
