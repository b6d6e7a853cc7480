"""Keeping the rows of the search in step with the listings, and what a match is worth."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.utils import timezone

from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.search.query import words_of
from gridkit_django.marketplace.shelf.search.spelling import learn
from gridkit_django.models import Listing, ListingState, MarketSearchRow

_MANY_INSTALLS = 10_000
_NEW_FOR = timedelta(days=180)


def popularity(recent_installs: int, rating: float, updated_at: datetime, now: datetime | None = None) -> float:
    """Return how popular a plugin is, from 0 to 1: half its recent installs, then its rating, then its newness.

    Args:
        recent_installs: sites that installed it in the last 30 days; counted in powers of ten.
        rating: smoothed, 0 to 5.
        updated_at: of its last release.
        now: the time; None for now.
    """
    installs = min(math.log1p(recent_installs) / math.log1p(_MANY_INSTALLS), 1.0)
    age = max(((now or timezone.now()) - updated_at) / _NEW_FOR, 0.0)
    return 0.5 * installs + 0.3 * rating / 5 + 0.2 * max(1.0 - age, 0.0)


def weight(popular: float, *, verified: bool, deprecated: bool) -> float:
    """Return what the rank of a text is multiplied with: capped, so that newcomers can win."""
    return (0.4 + popular) * (1.0 if verified else 0.7) * (0.3 if deprecated else 1.0)


def write_row(listing: Listing) -> None:
    """Bring the row of a listing in step; it has a release that stands for it."""
    row = row_of(listing)
    learn(row.words.split())
    MarketSearchRow.objects.using(database()).update_or_create(listing=listing, defaults=_values(row))


def row_of(listing: Listing) -> MarketSearchRow:
    """Return what the search reads of a listing, not yet stored."""
    slug = listing.plugin_id.partition("/")[2]
    updated = listing.updated_at or timezone.now()
    popular = popularity(listing.recent_installs, listing.rating or 0.0, updated)
    verified = listing.latest is not None and listing.latest.reviewed
    deprecated = listing.state == ListingState.DEPRECATED
    tags = [str(tag).lower() for tag in listing.tags]
    return MarketSearchRow(
        listing=listing,
        plugin_id=listing.plugin_id,
        slug=slug,
        folded_name=" ".join(listing.name.lower().split()),
        words=" ".join(dict.fromkeys(words_of(f"{listing.name} {slug}"))),
        tag_words=" ".join(words_of(" ".join([*tags, listing.category, _publisher_words(listing)]))),
        summary=listing.summary[:500],
        category=listing.category,
        tags=tags,
        verified=verified,
        free=listing.pricing == "free",
        deprecated=deprecated,
        featured=listing.featured,
        rating=listing.rating or 0.0,
        downloads=listing.downloads,
        popularity=popular,
        weight=weight(popular, verified=verified, deprecated=deprecated),
        updated_at=updated,
    )


def drop_row(listing: Listing) -> None:
    """Let the search find a listing no more."""
    MarketSearchRow.objects.using(database()).filter(listing=listing).delete()


def _publisher_words(listing: Listing) -> str:
    return f"{listing.publisher.name} {listing.publisher.display_name}"


def _values(row: MarketSearchRow) -> dict[str, object]:
    fields = (field for field in MarketSearchRow._meta.concrete_fields if field.name != "listing")
    return {field.name: getattr(row, field.attname) for field in fields}
