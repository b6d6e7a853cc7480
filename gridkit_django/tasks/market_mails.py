"""Mails of the marketplace to its publishers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from smtplib import SMTPException
from typing import Any

from celery import shared_task
from django.db import OperationalError

from gridkit_django.marketplace.shelf import mails
from gridkit_django.tasks.sending import send

logger = logging.getLogger("gridkit_django.tasks")


@shared_task(
    name="gridkit.mail_publisher",
    ignore_result=True,
    autoretry_for=(SMTPException, OSError, OperationalError),
    retry_backoff=True,
    max_retries=8,
)
def mail_publisher(publisher_id: int, kind: str, facts: Mapping[str, Any]) -> bool:
    """Write to a publisher; a server that can't be reached is tried again for a while.

    Args:
        publisher_id: primary key.
        kind: what the mail is about.
        facts: plain values for its template.
    """
    return mails.mail_publisher(publisher_id, kind, facts)


@shared_task(name="gridkit.warn_of_tokens", ignore_result=True)
def warn_of_tokens() -> int:
    """Tell publishers of tokens that are about to expire. Let Celery beat call it once a day."""
    return mails.warn_of_tokens()


def hand_over_mail(*, publisher_id: int, kind: str, facts: Mapping[str, Any], **_kwargs: object) -> None:
    """Receiver of ``publisher_news``: let a worker write, when the publisher wants it."""
    if not mails.wants_mail(publisher_id, kind):
        return
    try:
        send(mail_publisher, [publisher_id, kind, dict(facts)])
    except Exception:  # whatever the queue's client raises: the mail is lost, what it tells of is done
        logger.exception("A mail of the kind %s to publisher %s could not be handed to a worker", kind, publisher_id)
