"""The design that one writes first: one vector with the description, cover density over all matches, exact counts."""

from __future__ import annotations

from typing import ClassVar

from django.db import connection
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.market.base import public_response
from gridkit_django.api.market.bodies import Count, ListingPage
from gridkit_django.api.market.parameters import search_query
from gridkit_django.api.market.views.finding import SearchView
from gridkit_django.api.market.writing import summaries
from gridkit_django.marketplace.shelf.search.backend import ORDERS, Sql
from gridkit_django.marketplace.shelf.search.postgres import PostgresBackend
from gridkit_django.marketplace.shelf.search.query import SearchQuery, SortBy


class NaiveSearchView(SearchView):
    """Answers the same questions with the same bodies."""

    operations: ClassVar = SearchView.operations

    def get(self, request: Request) -> Response:
        """Answer a page."""
        query = search_query(request)
        keys, count = naive_search(query)
        page = ListingPage(count=Count(value=count, is_="exact"), serial=0, meant="", results=[]).to_wire()
        return public_response(request, {**page, "results": summaries(keys)}, query.key())


def naive_search(query: SearchQuery) -> tuple[list[int], int]:
    """Return the page and the exact count."""
    source = Sql(" FROM market_naive n JOIN gridkit_django_marketsearchrow r USING (listing_id) WHERE true")
    words = " & ".join(query.words)
    if words:
        source += Sql(" AND n.vector @@ to_tsquery('english', %s)", (words,))
    source += PostgresBackend("default").filters(query)
    order = Sql(f" ORDER BY {ORDERS[query.sort_by]}")
    if words and query.sort_by is SortBy.RELEVANCE:
        order = Sql(" ORDER BY ts_rank_cd(n.vector, to_tsquery('english', %s)) DESC, r.listing_id", (words,))
    page = Sql("SELECT r.listing_id") + source + order + Sql(" LIMIT %s OFFSET %s", (query.limit, query.offset))
    count = Sql("SELECT count(*)") + source
    with connection.cursor() as cursor:
        cursor.execute(page.text, page.values)
        keys = [row[0] for row in cursor.fetchall()]
        cursor.execute(count.text, count.values)
        return keys, cursor.fetchone()[0]


urlpatterns = [
    path("market/", include("gridkit_django.api.market.urls")),
    path("naive/", NaiveSearchView.as_view()),
]
