"""Finding plugins: the index, the search, and what stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.market.base import MarketView, public_response
from gridkit_django.api.market.bodies import (
    Categories,
    CategoryCount,
    Count,
    FacetCounts,
    ListingPage,
    MarketIndex,
    Suggestion,
    Suggestions,
)
from gridkit_django.api.market.parameters import SEARCH_PARAMETERS, search_query
from gridkit_django.api.market.writing import summaries
from gridkit_django.api.operations import Operation, query_parameter
from gridkit_django.api.parameters import whole_number
from gridkit_django.conf import market_settings
from gridkit_django.marketplace.shelf.search.find import (
    by_category,
    featured,
    fresh,
    popular,
    remembered,
    search,
    search_backend,
    suggestions,
)
from gridkit_django.marketplace.shelf.search.query import Found, SearchQuery
from gridkit_django.marketplace.shelf.serials import current_serial
from gridkit_django.plugins import Category

_LISTS: Mapping[str, Callable[[int], list[int]]] = MappingProxyType(
    {"featured": featured, "popular": popular, "new": fresh}
)
_MOST = 100


class IndexView(MarketView):
    """What this marketplace is."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarket",
            tag="market",
            summary="Read the name and the serial of the marketplace",
            responses={200: MarketIndex, 304: None},
            public=True,
        )
    }

    def get(self, request: Request) -> Response:
        """Answer it."""
        serial = current_serial()
        return public_response(request, MarketIndex(name=market_settings().name, serial=serial).to_wire(), f"s{serial}")


class SearchView(MarketView):
    """The search."""

    operations: ClassVar = {
        "GET": Operation(
            id="searchMarket",
            tag="market",
            summary="Search for plugins",
            description="The count ends at 1000: `is` says whether it is `exact` or `at_least` so many.",
            responses={200: ListingPage, 304: None},
            parameters=SEARCH_PARAMETERS,
            public=True,
        )
    }

    def get(self, request: Request) -> Response:
        """Answer a page; the answer is kept for a minute, as long as nothing changes."""
        query = search_query(request)
        key = query.key()
        serial = current_serial()
        page = remembered("search", serial, key, lambda: _page(search(query), serial))
        return public_response(request, page, f"q{serial}-{key}")


def _shelf(operation_id: str, what: str) -> Operation:
    return Operation(
        id=operation_id,
        tag="market",
        summary=what,
        responses={200: ListingPage, 304: None},
        parameters=(query_parameter("limit", f"Results at most: 1 to {_MOST}, 20 when left out.", int),),
        public=True,
    )


class ShelfView(MarketView):
    """One of the lists that stand on the first page.

    Attributes:
        shelf: its name.
    """

    shelf: ClassVar[str]

    def get(self, request: Request) -> Response:
        """Answer the list."""
        most = whole_number(request, "limit", default=20, high=_MOST)
        serial = current_serial()
        page = remembered(self.shelf, serial, str(most), lambda: _page(_all(_LISTS[self.shelf](most)), serial))
        return public_response(request, page, f"{self.shelf}{page['serial']}-{most}")


class FeaturedView(ShelfView):
    """What the marketplace puts first."""

    shelf = "featured"
    operations: ClassVar = {"GET": _shelf("listFeatured", "List the plugins that the marketplace puts first")}


class PopularView(ShelfView):
    """The most popular plugins."""

    shelf = "popular"
    operations: ClassVar = {"GET": _shelf("listPopular", "List the most popular plugins")}


class NewView(ShelfView):
    """What came last."""

    shelf = "new"
    operations: ClassVar = {"GET": _shelf("listNew", "List the plugins that were released last")}


class CategoriesView(MarketView):
    """All categories."""

    operations: ClassVar = {
        "GET": Operation(
            id="listCategories",
            tag="market",
            summary="List the categories",
            responses={200: Categories, 304: None},
            public=True,
        )
    }

    def get(self, request: Request) -> Response:
        """Answer them, with how many plugins each has, at most 5000 looked at."""
        serial = current_serial()
        body = remembered("categories", serial, "", lambda: _categories(serial))
        return public_response(request, body, f"c{body['serial']}")


class CategoryView(MarketView):
    """The plugins of a category."""

    operations: ClassVar = {
        "GET": Operation(
            id="listCategory",
            tag="market",
            summary="List the plugins of a category",
            responses={200: ListingPage, 304: None},
            parameters=(
                query_parameter("limit", f"Results at most: 1 to {_MOST}, 20 when left out.", int),
                query_parameter("offset", "Results to leave out first, at most 1000.", int),
            ),
            public=True,
        )
    }

    def get(self, request: Request, category: str) -> Response:
        """Answer a page, the weightiest first."""
        most = whole_number(request, "limit", default=20, high=_MOST)
        offset = whole_number(request, "offset", default=0, low=0, high=1000)
        count = search_backend().count(SearchQuery(category=category))
        found = Found(by_category(category, most, offset), min(count, 1000), exact=count <= 1000)
        page = _page(found, current_serial())
        return public_response(request, page, f"k{page['serial']}-{most}-{offset}")


class FacetsView(MarketView):
    """How many results a search has of each kind."""

    operations: ClassVar = {
        "GET": Operation(
            id="getFacets",
            tag="market",
            summary="Count the results of a search by category, tag, price and review",
            description="Counted over at most 5000 results; `exact` says whether that was all.",
            responses={200: FacetCounts, 304: None},
            parameters=SEARCH_PARAMETERS,
            public=True,
        )
    }

    def get(self, request: Request) -> Response:
        """Answer the counts."""
        query = search_query(request)
        key = query.key()
        serial = current_serial()
        body = remembered("facets", serial, key, lambda: _facets(query, serial))
        return public_response(request, body, f"f{body['serial']}-{key}")


class SuggestView(MarketView):
    """Names that begin so."""

    operations: ClassVar = {
        "GET": Operation(
            id="suggestPlugins",
            tag="market",
            summary="Suggest plugins whose name begins so",
            responses={200: Suggestions, 304: None},
            parameters=(query_parameter("q", "The beginning of a name or an id; at most 100 characters count."),),
            public=True,
        )
    }

    def get(self, request: Request) -> Response:
        """Answer at most eight."""
        text = request.query_params.get("q", "")[:100]
        pairs = [Suggestion(id=plugin_id, name=name) for plugin_id, name in suggestions(text)]
        return public_response(request, Suggestions(results=pairs).to_wire(), f"g{current_serial()}-{_short(text)}")


def _page(found: Found, serial: int) -> dict[str, Any]:
    count = Count(value=found.count, is_="exact" if found.exact else "at_least")
    head = ListingPage(count=count, serial=serial, meant=found.meant, results=[]).to_wire()
    return {**head, "results": summaries(found.listings)}


def _all(keys: Sequence[int]) -> Found:
    return Found(keys, len(keys), exact=True)


def _facets(query: SearchQuery, serial: int) -> dict[str, Any]:
    found = search_backend().facets(query)
    return FacetCounts(serial=serial, exact=found.exact, **found.as_dict()).to_wire()


def _categories(serial: int) -> dict[str, Any]:
    counts = search_backend().facets(SearchQuery()).counts["category"]
    results = [CategoryCount(category=category.value, count=counts.get(category.value, 0)) for category in Category]
    return Categories(serial=serial, results=results).to_wire()


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
