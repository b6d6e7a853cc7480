"""The number of the marketplace's last change: what clients follow, and what cached answers are good for."""

from __future__ import annotations

from django.db import connections
from django.db.models import F

from gridkit_django.marketplace.shelf.database import database
from gridkit_django.models import MarketSerial

_ROW = 1


def current_serial() -> int:
    """Return the number of the last change; 0 before the first."""
    with connections[database()].cursor() as cursor:  # asked at every request, so without the detour over a queryset
        cursor.execute("SELECT value FROM gridkit_django_marketserial WHERE id = %s", [_ROW])
        row = cursor.fetchone()
    return row[0] if row else 0


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
