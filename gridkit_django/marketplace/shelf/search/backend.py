"""What each kind of database does in its own words, and what is the same for all: filters, counts, exact names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from django.db import connections

from gridkit_django.marketplace.shelf.search.query import (
    COUNT_MAX,
    FACETS_OVER,
    Facets,
    Found,
    SearchQuery,
    SortBy,
)

TABLE = "gridkit_django_marketsearchrow"
EXACT_MAX = 5
"""Plugins of exactly the name that was asked for, at most: they come first."""

ORDERS: Mapping[SortBy, str] = MappingProxyType(
    {
        SortBy.RELEVANCE: "r.weight DESC, r.listing_id",
        SortBy.DOWNLOADS: "r.downloads DESC, r.listing_id",
        SortBy.RATING: "r.rating DESC, r.listing_id",
        SortBy.UPDATED: "r.updated_at DESC, r.listing_id",
        SortBy.NAME: "r.folded_name, r.listing_id",
    }
)
"""The orders of the database; without words, relevance is weight."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with its values."""

    text: str
    values: tuple[Any, ...] = ()

    def __add__(self, other: Sql) -> Sql:
        return Sql(self.text + other.text, self.values + other.values)


_FROM = Sql(f" FROM {TABLE} r")


class SearchBackend(ABC):
    """Answers searches in one kind of database.

    Args:
        using: alias of the database.
    """

    def __init__(self, using: str) -> None:
        self.using = using

    def search(self, query: SearchQuery) -> Found:
        """Return the page that a query asks for; exact names first where relevance orders."""
        first = self.exact(query) if query.sort_by is SortBy.RELEVANCE and query.query.strip() else []
        page = first[query.offset : query.offset + query.limit]
        rest = replace(query, limit=max(query.limit - len(page), 1), offset=max(query.offset - len(first), 0))
        more, count = self.page(rest, first)
        page = [*page, *more][: query.limit]
        return Found(page, min(count + len(first), COUNT_MAX), exact=count + len(first) <= COUNT_MAX)

    def page(self, query: SearchQuery, but: Sequence[int]) -> tuple[list[int], int]:
        """Return a page in the order that is asked for, and how many there are, at most one more than ``COUNT_MAX``.

        Args:
            query: limit and offset are those of what is left without ``but``.
            but: listings that are left out, and not counted.
        """
        return self.ranked(query, but), self.count(query, but)

    def exact(self, query: SearchQuery) -> list[int]:
        """Return what has exactly the name, the id or its second half; nothing deprecated."""
        text = " ".join(query.query.lower().split())
        where = Sql(
            " WHERE NOT r.deprecated AND (r.plugin_id = %s OR r.slug = %s OR r.folded_name = %s)", (text, text, text)
        )
        order = Sql(" ORDER BY (r.plugin_id = %s) DESC, r.weight DESC, r.listing_id LIMIT %s", (text, EXACT_MAX))
        return self.ids(Sql("SELECT r.listing_id") + _FROM + where + self.filters(query) + order)

    def count(self, query: SearchQuery, but: Sequence[int] = ()) -> int:
        """Return how many match, at most one more than ``COUNT_MAX``."""
        inner = Sql("SELECT 1 AS one") + self.source(query) + without(but) + Sql(" LIMIT %s", (COUNT_MAX + 1,))
        return self.ids(Sql("SELECT COUNT(*) FROM (") + inner + Sql(") AS hits"))[0]

    def facets(self, query: SearchQuery) -> Facets:
        """Return how many matches there are of each kind, over at most ``FACETS_OVER`` of them."""
        columns = "r.category, r.free, r.verified, r.tags"
        some = Sql(f"SELECT {columns}") + self.source(query) + Sql(" LIMIT %s", (FACETS_OVER + 1,))
        rows = self.rows(Sql("WITH hits AS (") + some + Sql(f") {self.facet_counts}"))
        counts: dict[str, dict[str, int]] = {"category": {}, "free": {}, "verified": {}, "tags": {}}
        for kind, value, number in rows:
            counts[kind][str(value)] = number
        return Facets(counts, exact=sum(counts["category"].values()) <= FACETS_OVER)

    def suggest(self, text: str, most: int) -> list[tuple[str, int]]:
        """Return id and listing of plugins whose name or id begins so, the weightiest first."""
        text = text.lower()
        begins = self._begins_with_id(text) if text.startswith("@") else self._begins_with_name(text)
        order = Sql(" ORDER BY r.weight DESC, r.listing_id LIMIT %s", (most,))
        where = Sql(" WHERE NOT r.deprecated AND ") + begins
        return [(row[0], row[1]) for row in self.rows(Sql("SELECT r.plugin_id, r.listing_id") + _FROM + where + order)]

    def _begins_with_name(self, text: str) -> Sql:
        like = f"{_escaped(text)}%"
        return Sql(f"(r.folded_name LIKE %s {self.escape} OR r.slug LIKE %s {self.escape})", (like, like))

    def _begins_with_id(self, text: str) -> Sql:
        """Compare the second half, too, where there is one: an index finds the beginnings of it."""
        whole = Sql(f"r.plugin_id LIKE %s {self.escape}", (f"{_escaped(text)}%",))
        slug = text.partition("/")[2]
        return whole + Sql(f" AND r.slug LIKE %s {self.escape}", (f"{_escaped(slug)}%",)) if slug else whole

    def filters(self, query: SearchQuery) -> Sql:
        """Return the conditions of a query besides its words, each after an AND."""
        made = Sql("")
        if query.category:
            made += Sql(" AND r.category = %s", (query.category,))
        if query.verified is not None:
            made += Sql(" AND r.verified = %s", (query.verified,))
        if query.free is not None:
            made += Sql(" AND r.free = %s", (query.free,))
        if query.min_rating is not None:
            made += Sql(" AND r.rating >= %s", (query.min_rating,))
        for tag in query.tags:
            made += self.has_tag(tag)
        return made

    def ids(self, statement: Sql) -> list[int]:
        """Return the first column of what a statement gives."""
        return [row[0] for row in self.rows(statement)]

    def rows(self, statement: Sql) -> list[tuple[Any, ...]]:
        """Return the rows that a statement gives."""
        with connections[self.using].cursor() as cursor:
            cursor.execute(statement.text, statement.values)
            return list(cursor.fetchall())

    escape: str = ""
    facet_counts: str = ""

    @abstractmethod
    def source(self, query: SearchQuery) -> Sql:
        """Return FROM and WHERE of what matches words and filters; rows are called ``r``."""

    @abstractmethod
    def ranked(self, query: SearchQuery, but: Sequence[int]) -> list[int]:
        """Return the page of what matches, in the order that is asked for.

        Args:
            query: limit and offset are those of what is left without ``but``.
            but: listings that are left out.
        """

    @abstractmethod
    def has_tag(self, tag: str) -> Sql:
        """Return the condition that a row has a tag, after an AND."""


def without(ids: Sequence[int]) -> Sql:
    """Return the condition that leaves listings out, after an AND."""
    if not ids:
        return Sql("")
    return Sql(f" AND r.listing_id NOT IN ({', '.join(['%s'] * len(ids))})", tuple(ids))


def page_of(query: SearchQuery) -> Sql:
    """Return LIMIT and OFFSET."""
    return Sql(" LIMIT %s OFFSET %s", (query.limit, query.offset))


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
