"""Asking the search: the backend of the database, help for mistyped words, and answers kept for a minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from django.core.cache import cache
from django.db import connections

from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.search.backend import SearchBackend
from gridkit_django.marketplace.shelf.search.postgres import PostgresBackend
from gridkit_django.marketplace.shelf.search.query import Found, SearchQuery, SortBy
from gridkit_django.marketplace.shelf.search.spelling import respelled
from gridkit_django.marketplace.shelf.search.sqlite import SQLiteBackend
from gridkit_django.models import Listing, MarketSearchRow

KEPT_SECONDS = 60
FEW = 3
"""Fewer results than that, and mistyped words are thought of."""
SUGGESTIONS = 8

T = TypeVar("T")


def search_backend() -> SearchBackend:
    """Return the backend of the database that holds the marketplace."""
    using = database()
    return PostgresBackend(using) if connections[using].vendor == "postgresql" else SQLiteBackend(using)


def search(query: SearchQuery) -> Found:
    """Answer a query; where hardly anything matches, what was probably meant comes after it."""
    backend = search_backend()
    found = backend.search(query)
    if found.count >= FEW or not query.words or query.sort_by is not SortBy.RELEVANCE or query.offset:
        return found
    words = respelled(query.words)
    if words == query.words:
        return found
    meant = backend.search(replace(query, query=" ".join(words)))
    more = [pk for pk in meant.listings if pk not in found.listings]
    if not more:
        return found
    listings = [*found.listings, *more][: query.limit]
    return Found(listings, max(found.count + meant.count, len(listings)), exact=meant.exact, meant=" ".join(words))


def remembered(kind: str, serial: int, key: str, make: Callable[[], T]) -> T:
    """Return an answer that is at most a minute old and of this serial, else make it.

    Args:
        kind: what is asked for.
        serial: number of the last change.
        key: the question, normalised.
        make: makes the answer; plain values only.
    """
    name = f"gridkit-market:{kind}:{serial}:{key}"
    found: T | None = cache.get(name)
    if found is None:
        found = make()
        cache.set(name, found, KEPT_SECONDS)
    return found


def suggestions(text: str) -> list[tuple[str, str]]:
    """Return id and name of plugins whose name or id begins so."""
    text = " ".join(text.lower().split())
    if not text:
        return []
    pairs = search_backend().suggest(text, SUGGESTIONS)
    names = dict(Listing.objects.using(database()).filter(pk__in=[pk for _id, pk in pairs]).values_list("pk", "name"))
    return [(plugin_id, names[pk]) for plugin_id, pk in pairs if pk in names]


def featured(most: int = 20) -> list[int]:
    """Return the listings that the marketplace puts first, in its order."""
    rows = MarketSearchRow.objects.using(database()).filter(featured__isnull=False)
    return list(rows.order_by("featured", "listing").values_list("listing", flat=True)[:most])


def popular(most: int = 20) -> list[int]:
    """Return the most popular listings."""
    rows = MarketSearchRow.objects.using(database()).filter(deprecated=False)
    return list(rows.order_by("-popularity", "listing").values_list("listing", flat=True)[:most])


def fresh(most: int = 20) -> list[int]:
    """Return what came last: newcomers are seen here, and need no help in the ranking."""
    rows = MarketSearchRow.objects.using(database()).filter(deprecated=False)
    return list(rows.order_by("-updated_at", "listing").values_list("listing", flat=True)[:most])


def by_category(category: str, most: int = 20, offset: int = 0) -> list[int]:
    """Return the weightiest listings of a category."""
    rows = MarketSearchRow.objects.using(database()).filter(category=category)
    return list(rows.order_by("-weight", "listing").values_list("listing", flat=True)[offset : offset + most])
