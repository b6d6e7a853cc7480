"""Thinning the history of health checks: all of the last day, then the worst of each hour, then nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.models import HealthCheckResult, HealthStatus
from gridkit_django.plugins.savepoints import database

WHOLE = timedelta(days=1)
"""For so long every check is kept."""

_ORDER = (HealthStatus.HEALTHY, HealthStatus.DEGRADED, HealthStatus.UNHEALTHY)


def thin_health(now: datetime | None = None) -> int:
    """Delete checks older than ``HEALTH_HISTORY_DAYS``, and of those older than a day all but the worst of each hour.

    Args:
        now: the moment to count from; None for now.

    Returns:
        How many were deleted.
    """
    now = now or timezone.now()
    results = HealthCheckResult.objects.using(database())
    deleted = results.filter(checked_at__lt=now - timedelta(days=settings().HEALTH_HISTORY_DAYS)).delete()[0]
    old = results.filter(checked_at__lt=_hour_of(now - WHOLE)).order_by().annotate(hour=TruncHour("checked_at"))
    crowded = old.values_list("plugin_id", "hour").annotate(number=Count("pk")).filter(number__gt=1)
    for plugin, hour, _ in crowded:
        found = old.filter(plugin_id=plugin, checked_at__gte=hour, checked_at__lt=hour + timedelta(hours=1))
        kept = _worst(found.values_list("status", "pk"))
        deleted += found.exclude(pk=kept).delete()[0]
    return deleted


def _worst(checks: Iterable[tuple[str, int]]) -> int:
    """Return the primary key of the newest of the worst checks."""
    return max((_ORDER.index(HealthStatus(status)), pk) for status, pk in checks)[1]


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
