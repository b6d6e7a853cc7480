"""Mail to those who look after plugins."""

from __future__ import annotations

from smtplib import SMTPException

from celery import shared_task
from django.db import OperationalError

from gridkit_django.plugins import send_notice as send


@shared_task(
    name="gridkit.send_notice",
    ignore_result=True,
    autoretry_for=(SMTPException, OSError, OperationalError),
    retry_backoff=True,
    max_retries=5,
)
def send_notice(kind: str, plugin_id: str, subject: str) -> None:
    """Send one notice; a mail server that can't be reached is tried again for a while.

    Args:
        kind: what it is about, see ``gridkit_django.plugins.notices``.
        plugin_id: the plugin.
        subject: the permission, or the code of the state.
    """
    send(kind, plugin_id, subject)
