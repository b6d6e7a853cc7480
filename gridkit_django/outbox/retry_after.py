"""The header ``Retry-After``: seconds, or a date."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from django.utils import timezone

SECONDS_MAX = 86_400.0
"""Whoever asks for more than a day is asked after a day."""


def retry_after(value: str) -> float | None:
    """Return how many seconds to wait, at most a day; None when the header says nothing that can be read.

    Args:
        value: of the header.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), SECONDS_MAX)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - timezone.now()).total_seconds(), 0.0), SECONDS_MAX)
