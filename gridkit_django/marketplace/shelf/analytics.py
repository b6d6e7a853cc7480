"""How a plugin does, for its author: by day, by version, by version of GridKit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Sum
from django.utils import timezone

from gridkit_django.marketplace.shelf.database import database
from gridkit_django.models import Listing, MarketDay, MarketEventKind, MarketSite

DAYS_MAX = 365


@dataclass(frozen=True, slots=True)
class AnalyticsDay:
    """One day.

    Attributes:
        day: which.
        counts: kind of report to the number of sites.
    """

    day: date
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PluginAnalytics:
    """How a plugin does.

    Attributes:
        days: every day of the time, oldest first.
        versions: sites that have each version now.
        core_versions: installs and updates of the time by version of GridKit.
    """

    days: Sequence[AnalyticsDay]
    versions: Mapping[str, int]
    core_versions: Mapping[str, int]


def plugin_analytics(listing: Listing, days: int = 30) -> PluginAnalytics:
    """Return how a plugin did in the last days.

    Args:
        listing: the plugin.
        days: how many, today among them; at most 365.
    """
    today = timezone.now().date()
    first = today - timedelta(days=min(max(days, 1), DAYS_MAX) - 1)
    rows = MarketDay.objects.using(database()).filter(listing=listing, day__gte=first)
    counts: dict[date, dict[str, int]] = {}
    for day, kind, total in rows.values_list("day", "kind").annotate(total=Sum("count")):
        counts.setdefault(day, {})[kind] = total
    every = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    empty = dict.fromkeys(MarketEventKind.values, 0)
    taken = rows.filter(kind__in=(MarketEventKind.INSTALL, MarketEventKind.UPDATE))
    cores = taken.values_list("core_version").annotate(total=Sum("count")).order_by("-total")[:50]
    sites = MarketSite.objects.using(database()).filter(listing=listing, installed=True)
    versions = sites.values_list("version").annotate(total=Count("pk")).order_by("-total")[:50]
    return PluginAnalytics(
        days=[AnalyticsDay(day, {**empty, **counts.get(day, {})}) for day in every],
        versions=dict(versions),
        core_versions={name or "?": total for name, total in cores},
    )
