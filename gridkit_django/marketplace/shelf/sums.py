"""Sums of what sites reported, made by a task; and from them what lists show and the search ranks by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

from django.db import connections, transaction
from django.db.models import Avg, Count, F, Sum
from django.utils import timezone

from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.search.rows import popularity, weight
from gridkit_django.marketplace.shelf.serials import next_serial
from gridkit_django.models import Listing, MarketDay, MarketEvent, MarketEventKind, MarketSearchRow, MarketSite

BATCH = 2000
RECENT = timedelta(days=30)
EVENTS_KEPT = timedelta(days=60)
"""How long single reports are kept; the sums stay."""
PSEUDO_RATINGS = 10
"""Ratings of the middle that every plugin has beforehand: few ratings move it little."""
MIDDLE = 3.5
"""The middle, where nothing is rated yet."""
_TELL_EVERY = timedelta(days=1)

_Group = tuple[int, date, str, str, str]


def roll_up() -> int:
    """Add new reports to the sums, renew what lists show of those plugins, and return how many reports that were."""
    touched: set[int] = set()
    done = 0
    while taken := _roll_up_some(touched):
        done += taken
    for start in range(0, len(ordered := sorted(touched)), 500):
        renew_figures(ordered[start : start + 500])
    return done


def renew_figures(keys: Iterable[int]) -> None:
    """Make downloads, installs, rating and popularity of some listings anew.

    Other sites are told of new figures once a day at most: their catalogues would do nothing else.
    """
    using = database()
    keys = list(keys)
    middle = MarketSite.objects.using(using).aggregate(middle=Avg("rating"))["middle"] or MIDDLE
    sums = _sums(keys)
    ratings = _ratings(keys)
    for listing in Listing.objects.using(using).filter(pk__in=keys).only("pk", "told_at", *_FIGURES):
        count, total = ratings.get(listing.pk, (0, 0))
        smoothed = (middle * PSEUDO_RATINGS + total) / (PSEUDO_RATINGS + count) if count else None
        figures = {**sums.get(listing.pk, {}), "rating": smoothed, "rating_count": count}
        _store(listing, figures)


def renew_ranking() -> int:
    """Make popularity and weight of all plugins anew, because newness passes; return how many."""
    rows = MarketSearchRow.objects.using(database())
    done, batch = 0, []
    for row in rows.select_related("listing").only(*_RANKED).iterator(chunk_size=BATCH):
        row.popularity = popularity(row.listing.recent_installs, row.rating, row.updated_at)
        row.weight = weight(row.popularity, verified=row.verified, deprecated=row.deprecated)
        batch.append(row)
        if len(batch) == BATCH:
            done += rows.bulk_update(batch, ["popularity", "weight"], batch_size=500)
            batch = []
    return done + (rows.bulk_update(batch, ["popularity", "weight"], batch_size=500) if batch else 0)


def forget_old_events() -> int:
    """Drop single reports that are old and counted, and renew the 30 days of plugins that had installs then."""
    using, today = database(), timezone.now().date()
    old = MarketEvent.objects.using(using).filter(counted=True, day__lt=today - EVENTS_KEPT)
    gone = old.delete()[0]
    stale = Listing.objects.using(using).filter(recent_installs__gt=0).values_list("pk", flat=True)
    renew_figures(list(stale))
    return gone


_FIGURES = ("downloads", "installs", "updates", "recent_installs", "rating", "rating_count")
_RANKED = ("verified", "deprecated", "rating", "updated_at", "popularity", "weight", "listing__recent_installs")


def _roll_up_some(touched: set[int]) -> int:
    using = database()
    skip = connections[using].features.has_select_for_update_skip_locked
    with transaction.atomic(using):
        rows = MarketEvent.objects.using(using).filter(counted=False).order_by("pk")
        events = list(rows.select_for_update(skip_locked=skip)[:BATCH])
        counts: Counter[_Group] = Counter(
            (event.listing_id, event.day, event.kind, event.version, event.core_version) for event in events
        )
        for group in sorted(counts):
            _add(group, counts[group])
            touched.add(group[0])
        MarketEvent.objects.using(using).filter(pk__in=[event.pk for event in events]).update(counted=True)
    return len(events)


def _add(group: _Group, number: int) -> None:
    names = ("listing_id", "day", "kind", "version", "core_version")
    values = dict(zip(names, group, strict=True))
    days = MarketDay.objects.using(database())
    if not days.filter(**values).update(count=F("count") + number):
        days.bulk_create([MarketDay(**values)], ignore_conflicts=True)
        days.filter(**values).update(count=F("count") + number)


def _sums(keys: list[int]) -> dict[int, dict[str, int]]:
    days = MarketDay.objects.using(database()).filter(listing__in=keys).exclude(kind=MarketEventKind.UNINSTALL)
    found: dict[int, dict[str, int]] = {
        key: dict.fromkeys(("downloads", "installs", "updates", "recent_installs"), 0) for key in keys
    }
    for key, kind, total in days.values_list("listing", "kind").annotate(total=Sum("count")):
        found[key][f"{kind}s"] = total
    recent = days.filter(kind=MarketEventKind.INSTALL, day__gt=timezone.now().date() - RECENT)
    for key, total in recent.values_list("listing").annotate(total=Sum("count")):
        found[key]["recent_installs"] = total
    return found


def _ratings(keys: list[int]) -> dict[int, tuple[int, int]]:
    rated = MarketSite.objects.using(database()).filter(listing__in=keys, rating__isnull=False)
    rows = rated.values_list("listing").annotate(count=Count("pk"), total=Sum("rating"))
    return {key: (count, total) for key, count, total in rows}


def _store(listing: Listing, figures: dict[str, float | int | None]) -> None:
    """Store new figures with the listing and its row of the search, without a new serial unless it is time."""
    if all(getattr(listing, name) == value for name, value in figures.items()):
        return
    using, now = database(), timezone.now()
    with transaction.atomic(using):
        told: dict[str, object] = dict(figures)
        if listing.told_at is None or now - listing.told_at >= _TELL_EVERY:
            told |= {"told_at": now, "serial": next_serial()}
        Listing.objects.using(using).filter(pk=listing.pk).update(**told)
        row = MarketSearchRow.objects.using(using).filter(pk=listing.pk).first()
        if row is not None:
            row.downloads = int(figures.get("downloads") or 0)
            row.rating = figures["rating"] or 0.0
            row.popularity = popularity(int(figures.get("recent_installs") or 0), row.rating, row.updated_at)
            row.weight = weight(row.popularity, verified=row.verified, deprecated=row.deprecated)
            row.save(using=using, update_fields=["downloads", "rating", "popularity", "weight"])
