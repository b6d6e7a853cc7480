"""The search's query parameters."""

from __future__ import annotations

from rest_framework.request import Request

from gridkit_django.api.operations import query_parameter
from gridkit_django.api.parameters import choice, whole_number
from gridkit_django.exceptions import ErrorItem, FilterValueError
from gridkit_django.marketplace.shelf.search.query import LIMIT_MAX, OFFSET_MAX, SearchQuery, SortBy

SEARCH_PARAMETERS = (
    query_parameter("query", "Words of name, id, tags, publisher or summary; all of them. Exactly this name is first."),
    query_parameter("category", "Category of the manifest."),
    query_parameter("tags", "Tags, separated by commas; all of them."),
    query_parameter("verified", "`true` for what a person has looked at, `false` for the rest.", bool),
    query_parameter("free", "`true` for what costs nothing, `false` for the rest.", bool),
    query_parameter("min_rating", "Rated so much at least, 0 to 5.", float),
    query_parameter("sort_by", f"One of {', '.join(SortBy)}; relevance when left out."),
    query_parameter("limit", f"Results at most: 1 to {LIMIT_MAX}, 20 when left out.", int),
    query_parameter("offset", f"Results to leave out first, at most {OFFSET_MAX}.", int),
)


def search_query(request: Request) -> SearchQuery:
    """Return what the query parameters ask for.

    Raises:
        FilterValueError: when one is no value of its kind.
        MarketSearchError: when the search makes no sense.
    """
    given = request.query_params
    return SearchQuery(
        query=given.get("query", ""),
        category=given.get("category", ""),
        tags=tuple(tag.strip().lower() for tag in given.get("tags", "").split(",") if tag.strip()),
        verified=_truth(request, "verified"),
        free=_truth(request, "free"),
        min_rating=_number(request, "min_rating"),
        sort_by=SortBy(choice(request, "sort_by", tuple(SortBy)) or SortBy.RELEVANCE),
        limit=whole_number(request, "limit", default=20, high=LIMIT_MAX),
        offset=whole_number(request, "offset", default=0, low=0, high=OFFSET_MAX),
    )


def _truth(request: Request, name: str) -> bool | None:
    word = choice(request, name, ("true", "false"))
    return None if word is None else word == "true"


def _number(request: Request, name: str) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 5:
        detail = f"Give {name} as a number from 0 to 5."
        raise FilterValueError(detail, errors=[ErrorItem(f"?{name}", FilterValueError.code, detail)])
    return number
