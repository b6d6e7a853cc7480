"""Exports on a schedule, and telling of exports that have ended."""

from __future__ import annotations

from smtplib import SMTPException

from celery import shared_task
from django.db import OperationalError

from gridkit_django import exports
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import DeliveryLaterError
from gridkit_django.plugins import plugin_manager


@shared_task(
    name="gridkit.tell_of_export",
    ignore_result=True,
    autoretry_for=(SMTPException, OSError, OperationalError, DeliveryLaterError),
    retry_backoff=True,
    max_retries=8,
)
def tell_of_export(job_id: str, way: str) -> None:
    """Tell of one export that has ended; a server that can't be reached is tried again for a while.

    Args:
        job_id: primary key of the job as text.
        way: ``mail`` or ``webhook``.
    """
    exports.tell(job_id, way)


@shared_task(name="gridkit.run_due_exports", ignore_result=True)
def run_due_exports() -> int:
    """Ask for the exports whose time has come; return how many. Let Celery beat call it every minute."""
    plugin_manager().ensure_current()
    with acting(Actor.system("schedules"), EventSource.SYSTEM):
        return exports.run_due_exports()
