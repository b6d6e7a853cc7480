"""Jobs of plugins in the worker: the one task that carries them, and the one that finds what is due."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from django.db import OperationalError

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.plugins import plugin_manager

CATCH_UP_TRIES = 6
"""How often a run is handed back by a worker that is behind: after 1, 2, 4, … 32 seconds."""


@shared_task(
    bind=True,
    name="gridkit.run_plugin_job",
    ignore_result=True,
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    max_retries=CATCH_UP_TRIES,
)
def run_plugin_job(task: Task[Any, Any], run_id: str) -> None:
    """Carry out one run of a plugin's job; its row tells how it went.

    The row carries plugin, job, arguments and the least generation of the plugins that the worker must have followed.
    A worker that is behind hands the run back for a while, and then fails it. The message is acknowledged at once: a
    run whose worker dies is not repeated, since what killed one worker would kill the next.

    Args:
        task: this task, which Celery gives.
        run_id: primary key of the run as text.
    """
    if plugin_manager().carry_out_job(run_id):
        return
    tries = task.request.retries
    if tries >= CATCH_UP_TRIES:
        plugin_manager().give_up_job(run_id)
        return
    raise task.retry(countdown=2**tries)


@shared_task(name="gridkit.run_due_jobs", ignore_result=True)
def run_due_jobs() -> int:
    """Start the jobs of plugins whose time has come; return how many. Let Celery beat call it every few seconds."""
    with acting(Actor.system("schedules"), EventSource.SYSTEM):
        return plugin_manager().run_due_jobs()
