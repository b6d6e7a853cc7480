"""Searching on SQLite: an FTS5 table over the narrow rows, for small marketplaces."""

from __future__ import annotations

from collections.abc import Sequence

from gridkit_django.marketplace.shelf.search.backend import ORDERS, TABLE, SearchBackend, Sql, page_of, without
from gridkit_django.marketplace.shelf.search.query import SearchQuery, SortBy

FTS = "gridkit_market_fts"


class SQLiteBackend(SearchBackend):
    """Words by their stems, the last one also as a beginning."""

    escape = r"ESCAPE '\'"
    facet_counts = """
        SELECT 'category', category, COUNT(*) FROM hits GROUP BY category
        UNION ALL SELECT 'free', CASE WHEN free THEN 'true' ELSE 'false' END, COUNT(*) FROM hits GROUP BY free
        UNION ALL SELECT 'verified', CASE WHEN verified THEN 'true' ELSE 'false' END, COUNT(*) FROM hits
                  GROUP BY verified
        UNION ALL SELECT * FROM (SELECT 'tags', tag.value, COUNT(*) AS number FROM hits, json_each(hits.tags) AS tag
                  GROUP BY tag.value ORDER BY number DESC, tag.value LIMIT 50)"""

    def source(self, query: SearchQuery) -> Sql:
        """Return FROM and WHERE of what matches."""
        if not query.words:
            return Sql(f" FROM {TABLE} r WHERE 1 = 1") + self.filters(query)
        found = Sql(f" FROM {FTS} JOIN {TABLE} r ON r.listing_id = {FTS}.rowid WHERE {FTS} MATCH %s", (_match(query),))
        return found + self.filters(query)

    def ranked(self, query: SearchQuery, but: Sequence[int]) -> list[int]:
        """Return the page; relevance is the rank of the text times the weight."""
        order = ORDERS[query.sort_by]
        if query.sort_by is SortBy.RELEVANCE and query.words:
            order = f"bm25({FTS}, 10.0, 4.0, 1.0) * r.weight, r.listing_id"
        source = self.source(query) + without(but)
        return self.ids(Sql("SELECT r.listing_id") + source + Sql(f" ORDER BY {order}") + page_of(query))

    def has_tag(self, tag: str) -> Sql:
        """Return the condition."""
        return Sql(" AND EXISTS (SELECT 1 FROM json_each(r.tags) AS t WHERE t.value = %s)", (tag,))


def _match(query: SearchQuery) -> str:
    """Return the words in FTS5's language. They are letters, digits and underscores, in quotes."""
    return " AND ".join(f'"{word}"' for word in query.words) + "*"
