"""A marketplace of 100,000 plugins whose words are as unevenly spread as people's, and questions that people ask."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from gridkit_django.marketplace.shelf.search.rows import row_of
from gridkit_django.marketplace.shelf.search.spelling import learn
from gridkit_django.models import Listing, ListingState, MarketSearchRow, Publisher, Release, ReleaseState
from gridkit_django.plugins import Category

LISTINGS = int(os.environ.get("GRIDKIT_BENCH_LISTINGS", "100000"))
_WORDS = 20_000
_BATCH = 2000
_SYLLABLES = ("ba", "co", "di", "fer", "gra", "hol", "in", "jo", "ka", "lum", "mo", "net", "or", "pla", "qui", "ro")
_CATEGORIES = tuple(category.value for category in Category)


class Words:
    """Made-up words; the n-th is used about 1/n as often as the first.

    Args:
        seed: for the same words again.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        parts = (itertools.product(_SYLLABLES, repeat=count) for count in (2, 3, 4))
        every = ["".join(word) for word in itertools.chain.from_iterable(parts)][:_WORDS]
        random.Random(7).shuffle(every)
        self.all = every
        self._weights = list(itertools.accumulate(1 / (place + 5) for place in range(len(every))))

    def some(self, count: int) -> list[str]:
        """Return words, common ones often."""
        return self.chance.choices(self.all, cum_weights=self._weights, k=count)


def make_listings() -> None:
    """Fill the shelf, the narrow rows of the search, and the one wide vector of the naive design."""
    words = Words(1)
    now = timezone.now()
    publishers = Publisher.objects.bulk_create(
        Publisher(name=f"maker-{number}", folded=f"maker{number}", display_name=f"Maker {number}")
        for number in range(LISTINGS // 20 + 1)
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE market_naive (listing_id bigint PRIMARY KEY, vector tsvector NOT NULL)")
    for first in range(0, LISTINGS, _BATCH):
        numbers = range(first, min(first + _BATCH, LISTINGS))
        _fill(words, publishers, numbers, now)
    learn(words.all)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE gridkit_django_listing l SET latest_id = r.id"
            " FROM gridkit_django_release r WHERE r.listing_id = l.id"
        )
        cursor.execute("CREATE INDEX market_naive_vector ON market_naive USING gin (vector)")
        cursor.execute("VACUUM ANALYZE")


def _fill(words: Words, publishers: list[Publisher], numbers: range, now: Any) -> None:
    chance = words.chance
    listings = Listing.objects.bulk_create(_listing(words, publishers, number, now) for number in numbers)
    releases = Release.objects.bulk_create(
        Release(
            listing=listing,
            version="1.0.0",
            state=ReleaseState.PUBLISHED,
            digest="sha256:" + "0" * 64,
            size=120_000,
            manifest={"core_version": ">=0.1,<2", "required_permissions": ["events:subscribe"]},
            core_metadata="",
            signature="",
            public_key="",
            reviewed=chance.random() < 0.3,
            released_at=listing.updated_at,
        )
        for listing in listings
    )
    for listing, release in zip(listings, releases, strict=True):
        listing.latest = release
    MarketSearchRow.objects.bulk_create(row_of(listing) for listing in listings)
    texts = [(item.pk, item.name, item.summary, " ".join(words.some(chance.randint(120, 260)))) for item in listings]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO market_naive VALUES (%s, setweight(to_tsvector('english', %s), 'A')"
            " || setweight(to_tsvector('english', %s), 'B') || setweight(to_tsvector('english', %s), 'D'))",
            texts,
        )


def _listing(words: Words, publishers: list[Publisher], number: int, now: Any) -> Listing:
    chance = words.chance
    name = words.some(chance.randint(1, 3))
    rated = chance.random() < 0.4
    installs = int(chance.paretovariate(0.6)) % 50_000
    return Listing(
        publisher=publishers[number % len(publishers)],
        plugin_id=f"@maker-{number % len(publishers)}/{'-'.join(name)}-{number}",
        distribution=f"d-{number}",
        import_package=f"d_{number}",
        folded="",
        name=" ".join(name).title(),
        summary=" ".join(words.some(12)),
        category=chance.choice(_CATEGORIES),
        tags=sorted(set(words.some(4))),
        pricing="free" if chance.random() < 0.8 else "paid",
        license="MIT",
        state=ListingState.ACTIVE,
        downloads=installs * 3,
        installs=installs,
        recent_installs=installs // 10,
        rating=round(chance.uniform(1, 5), 2) if rated else None,
        rating_count=chance.randint(1, 50) if rated else 0,
        updated_at=now - timedelta(days=chance.uniform(0, 900)),
    )


def questions(count: int, seed: int) -> Iterator[dict[str, str]]:
    """Yield what people ask: common words, two words, names, mistyped ones, filters, sorts, later pages."""
    words = Words(seed)
    chance = words.chance
    names = list(MarketSearchRow.objects.order_by("-weight").values_list("folded_name", flat=True)[:2000])
    for _ in range(count):
        kind = chance.choices(("word", "two", "name", "typo", "none"), (35, 20, 15, 10, 20))[0]
        asked = {
            "word": lambda: words.some(1)[0],
            "two": lambda: " ".join(words.some(2)),
            "name": lambda: chance.choice(names),
            "typo": lambda: _mistyped(words.some(1)[0], chance),
            "none": lambda: "",
        }[kind]()
        found = {"query": asked} if asked else {}
        if kind == "none" or chance.random() < 0.3:
            found |= _filter(words)
        if chance.random() < 0.3:
            found["sort_by"] = chance.choice(("downloads", "rating", "updated", "name"))
        if chance.random() < 0.15:
            found["offset"] = str(chance.choice((20, 100, 500, 980)))
        yield found


def _filter(words: Words) -> dict[str, str]:
    chance = words.chance
    return chance.choice(
        [
            {"category": chance.choice(_CATEGORIES)},
            {"tags": words.some(1)[0]},
            {"verified": "true"},
            {"free": "true"},
            {"min_rating": "4"},
        ]
    )


def _mistyped(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
