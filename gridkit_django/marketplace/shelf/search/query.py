"""The question that a search is, checked; and the page that answers it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from gridkit_django.exceptions import ErrorItem, MarketSearchError

LIMIT_MAX = 100
OFFSET_MAX = 1000
"""Nobody pages further; narrower questions do better. Relevance ranks as many."""
COUNT_MAX = 1000
"""Where counting stops."""
FACETS_OVER = 5000
"""Matches that facets are counted over, at most."""
WORDS_MAX = 8
_TEXT_MAX = 200
_TAGS_MAX = 10
_WORD = re.compile(r"\w+")


class SortBy(StrEnum):
    """How results are ordered."""

    RELEVANCE = "relevance"
    DOWNLOADS = "downloads"
    RATING = "rating"
    UPDATED = "updated"
    NAME = "name"


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, small; hyphens and the like end a word."""
    return tuple(_WORD.findall(text.lower().replace("_", " ")))


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What is asked; the specification's ``PluginSearchQuery``.

    Attributes:
        query: words; all of them. The last may be the beginning of one.
        category: of this category.
        tags: with all of these tags.
        verified: only what was reviewed, or only what was not.
        free: only what costs nothing, or only what does.
        min_rating: rated so much at least.
        sort_by: the order.
        limit: results at most.
        offset: results to leave out first.
    """

    query: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    verified: bool | None = None
    free: bool | None = None
    min_rating: float | None = None
    sort_by: SortBy = SortBy.RELEVANCE
    limit: int = 20
    offset: int = 0

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            MarketSearchError: with one item in ``errors`` for each fault.
        """
        faults = [
            (len(self.query) > _TEXT_MAX, "query", f"At most {_TEXT_MAX} characters."),
            (len(self.tags) > _TAGS_MAX, "tags", f"At most {_TAGS_MAX} tags."),
            (not 1 <= self.limit <= LIMIT_MAX, "limit", f"From 1 to {LIMIT_MAX}."),
            (not 0 <= self.offset <= OFFSET_MAX, "offset", f"From 0 to {OFFSET_MAX}; ask a narrower question."),
            (self.min_rating is not None and not 0 <= self.min_rating <= 5, "min_rating", "From 0 to 5."),
        ]
        errors = [ErrorItem(f"/{name}", MarketSearchError.code, why) for wrong, name, why in faults if wrong]
        if errors:
            text = " ".join(f"{item.pointer[1:]}: {item.detail}" for item in errors)
            raise MarketSearchError(f"The search makes no sense. {text}", errors=errors)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that are searched for."""
        return words_of(self.query)[:WORDS_MAX]

    def key(self) -> str:
        """Return one and the same short text for all questions that mean the same."""
        plain = {**asdict(self), "query": " ".join(self.query.lower().split()), "tags": sorted(set(self.tags))}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Found:
    """The answer: which listings, in order.

    Attributes:
        listings: primary keys.
        count: how many there are in all.
        exact: whether that is the true number; if not there are more.
        meant: the words that were searched for instead, when hardly anything had those that were asked for.
    """

    listings: Sequence[int]
    count: int
    exact: bool
    meant: str = ""


@dataclass(frozen=True, slots=True)
class Facets:
    """How many results there are of each kind.

    Attributes:
        counts: kind (``category``, ``tags``, ``free``, ``verified``) to value and number.
        exact: whether all matches were counted.
    """

    counts: Mapping[str, Mapping[str, int]]
    exact: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: dict(values) for name, values in self.counts.items()}
