"""Searching among the plugins that this site can reach, installed or not. No code of theirs is run.

Whether a plugin is verified, how often it was downloaded and how it is rated are facts that only a marketplace knows.
Without one, a search that asks for them is refused: an answer that left the question out would be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gridkit_django.conf import settings
from gridkit_django.exceptions import ErrorItem, PluginSearchError
from gridkit_django.plugins.catalog import AvailablePlugin
from gridkit_django.plugins.metadata import Category, PluginMetadata, Pricing

LIMIT_MAX = 100
_NEEDS_MARKETPLACE = ("downloads", "rating", "updated")


@dataclass(frozen=True, slots=True)
class PluginSearchQuery:
    """What to look for. Every condition that is given must hold.

    Attributes:
        query: words that id, name, description, author or tags hold, in small or capital letters; all of them.
        category: of the manifest.
        tags: of the manifest; all of them.
        verified: a fact of a marketplace.
        free: whether it costs nothing.
        min_rating: a fact of a marketplace.
        sort_by: ``name``; ``downloads``, ``rating`` and ``updated`` need a marketplace.
        limit: results at most, 1 to 100.
        offset: results to leave out first.
    """

    query: str = ""
    category: str | None = None
    tags: tuple[str, ...] = ()
    verified: bool | None = None
    free: bool | None = None
    min_rating: float | None = None
    sort_by: str = "name"
    limit: int = 20
    offset: int = 0

    def admits(self, metadata: PluginMetadata) -> bool:
        """Whether a plugin meets the conditions."""
        text = " ".join((metadata.id, metadata.name, metadata.description, metadata.author, *metadata.tags)).lower()
        return (
            all(word in text for word in self.query.lower().split())
            and self.category in (None, metadata.category)
            and set(self.tags) <= set(metadata.tags)
            and self.free in (None, metadata.pricing is Pricing.FREE)
        )


def needs_marketplace(query: PluginSearchQuery) -> bool:
    """Whether a query asks for what only a marketplace knows."""
    by_fact = query.sort_by in (*_NEEDS_MARKETPLACE, "relevance")
    return by_fact or query.verified is not None or query.min_rating is not None


def search(available: Iterable[AvailablePlugin], query: PluginSearchQuery) -> tuple[AvailablePlugin, ...]:
    """Return the plugins that a query admits, by name. Sources whose manifest can't be read are never found.

    Args:
        available: what is there.
        query: what to look for.

    Raises:
        PluginSearchError: when the query asks for what nobody here knows; one item in ``errors`` for each fault.
    """
    faults = _faults(query)
    if faults:
        text = "; ".join(f"{item.pointer[1:]}: {item.detail}" for item in faults)
        raise PluginSearchError(f"The search can't be answered: {text}.", errors=faults)
    found = [(plugin.metadata, plugin) for plugin in available if plugin.metadata and query.admits(plugin.metadata)]
    found.sort(key=lambda pair: (pair[0].name.lower(), pair[0].id, pair[1].ref))
    return tuple(plugin for _, plugin in found[query.offset : query.offset + query.limit])


def featured(available: Iterable[AvailablePlugin]) -> tuple[AvailablePlugin, ...]:
    """Return the plugins that ``PLUGINS_FEATURED`` names, in its order; those that are not in reach are left out.

    Args:
        available: what is there.
    """
    by_id = {plugin.metadata.id: plugin for plugin in available if plugin.metadata}
    return tuple(by_id[key] for key in dict.fromkeys(settings().PLUGINS_FEATURED) if key in by_id)


def _faults(query: PluginSearchQuery) -> list[ErrorItem]:
    checks = (
        ("verified", query.verified is None, "only a marketplace knows it, and this site has none"),
        ("min_rating", query.min_rating is None, "only a marketplace knows it, and this site has none"),
        ("sort_by", query.sort_by == "name", _sort_fault(query.sort_by)),
        ("category", query.category is None or query.category in set(Category), f"known are {', '.join(Category)}"),
        ("limit", 1 <= query.limit <= LIMIT_MAX, f"it is {query.limit}; 1 to {LIMIT_MAX} is possible"),
        ("offset", query.offset >= 0, f"it is {query.offset}; 0 or more is possible"),
    )
    return [ErrorItem(f"/{name}", PluginSearchError.code, detail) for name, good, detail in checks if not good]


def _sort_fault(sort_by: str) -> str:
    if sort_by in _NEEDS_MARKETPLACE:
        return f"only a marketplace knows {sort_by}, and this site has none; sort by name"
    return f"there is no {sort_by!r}; sort by name"
