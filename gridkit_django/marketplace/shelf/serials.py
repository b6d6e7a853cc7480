"""The number of the marketplace's last change: what clients follow, and what cached answers are good for."""

from __future__ import annotations

from django.db.models import F

from gridkit_django.marketplace.shelf.database import database
from gridkit_django.models import MarketSerial

_ROW = 1


def current_serial() -> int:
    """Return the number of the last change; 0 before the first."""
    found = MarketSerial.objects.using(database()).filter(pk=_ROW).values_list("value", flat=True).first()
    return found or 0


def next_serial() -> int:
    """Take the next number, in the transaction of the change.

    The row stays locked until the change is committed, so numbers become visible in their order: who has read up to a
    number has missed none.
    """
    rows = MarketSerial.objects.using(database())
    if not rows.filter(pk=_ROW).update(value=F("value") + 1):
        rows.get_or_create(pk=_ROW)
        rows.filter(pk=_ROW).update(value=F("value") + 1)
    return current_serial()
