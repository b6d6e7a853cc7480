"""Following marketplaces in the worker."""

from __future__ import annotations

from celery import shared_task

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.marketplace.client import refresh_catalogue


@shared_task(name="gridkit.refresh_catalogue", ignore_result=True)
def refresh_catalogues(*, now: bool = False) -> dict[str, str]:
    """Follow the lists of all marketplaces of the settings. Let Celery beat call it every few minutes.

    Args:
        now: ask also those that are left in peace for a while after failures.

    Returns:
        The error by marketplace, empty for what went well.
    """
    with acting(Actor.system("marketplace"), EventSource.SYSTEM):
        return refresh_catalogue(now=now)
