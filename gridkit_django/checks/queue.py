"""Checks of the task queue: whether this process knows where tasks go."""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice

from gridkit_django.tasks.sending import names_broker


def check_celery_app(**_kwargs: Any) -> list[CheckMessage]:
    """Say that the project's Celery app is not loaded where tasks are sent from (``gridkit.W010``)."""
    if names_broker(current_app) or not _names_one():
        return []
    package = str(getattr(django_settings, "ROOT_URLCONF", "")).partition(".")[0] or "mysite"
    return [
        Advice(
            "CELERY_BROKER_URL is set, but no Celery app that reads it is loaded in this process: exports, operations "
            "on plugins and notices would go to amqp://guest@localhost.",
            hint=f"Let {package}/__init__.py import the app: from {package}.celery import app as celery_app. It is "
            "needed where tasks are sent from, not only in workers.",
            id="gridkit.W010",
        )
    ]


def check_broker(**_kwargs: Any) -> list[CheckMessage]:
    """Say that no broker is named at all (``gridkit.W011``); with ``check --deploy`` only."""
    if names_broker(current_app) or _names_one():
        return []
    return [
        Advice(
            "No broker is named for Celery: exports, installations, deliveries and seals need one and a worker.",
            hint="Set CELERY_BROKER_URL and start a worker and a beat, see the page 'Run Celery'; or silence "
            "gridkit.W011 where only grids are used.",
            id="gridkit.W011",
        )
    ]


def _names_one() -> bool:
    return bool(getattr(django_settings, "CELERY_BROKER_URL", None))
