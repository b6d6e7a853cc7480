"""The search among available plugins, as query parameters."""

from __future__ import annotations

from dataclasses import replace

from rest_framework.request import Request

from gridkit_django.api.operations import query_parameter
from gridkit_django.api.parameters import choice, whole_number
from gridkit_django.exceptions import PluginSearchError
from gridkit_django.plugins import AvailablePlugin, PluginSearchQuery, plugin_manager

_LIMIT, _LIMIT_MAX, _OFFSET_MAX = 20, 100, 1_000_000

SEARCH_PARAMETERS = (
    query_parameter("query", "Words that id, name, description, author or tags hold; all of them."),
    query_parameter("category", "Category of the manifest."),
    query_parameter("tags", "Tags of the manifest, separated by commas; all of them."),
    query_parameter("free", "`true` for plugins that cost nothing, `false` for the others.", bool),
    query_parameter("featured", "`true` for the plugins that this site puts first, in its order.", bool),
    query_parameter("limit", f"Results at most: 1 to {_LIMIT_MAX}, {_LIMIT} when left out.", int),
    query_parameter("offset", "Results to leave out first.", int),
)


def search_available(request: Request) -> tuple[AvailablePlugin, ...]:
    """Return the plugins that the query parameters ask for, by name; featured ones in the site's order.

    Raises:
        FilterValueError: when a parameter is no value of its kind.
        PluginSearchError: when the search makes no sense; its pointers name the parameters.
    """
    given = request.query_params
    free = choice(request, "free", ("true", "false"))
    query = PluginSearchQuery(
        query=given.get("query", ""),
        category=given.get("category"),
        tags=tuple(tag for tag in given.get("tags", "").split(",") if tag),
        free=None if free is None else free == "true",
        limit=whole_number(request, "limit", default=_LIMIT, high=_LIMIT_MAX),
        offset=whole_number(request, "offset", default=0, low=0, high=_OFFSET_MAX),
    )
    try:
        found = plugin_manager().search_plugins(query)
    except PluginSearchError as error:
        errors = [replace(item, pointer=f"?{item.pointer[1:]}") for item in error.errors]
        raise PluginSearchError(error.detail, errors=errors) from error
    if choice(request, "featured", ("true",)) is None:
        return found
    refs = {item.ref for item in found}
    return tuple(item for item in plugin_manager().get_featured_plugins() if item.ref in refs)
