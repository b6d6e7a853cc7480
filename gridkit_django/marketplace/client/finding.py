"""Finding plugins in the local catalogue, with the same words of a question as among the plugins of this site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Lower

from gridkit_django.conf import settings
from gridkit_django.exceptions import ErrorItem, PluginNotListedError, PluginSearchError
from gridkit_django.marketplace.client.catalogue import database, entry_of, listing_of
from gridkit_django.marketplace.client.remotes import remotes
from gridkit_django.marketplace.client.spelling import meant
from gridkit_django.marketplace.client.wire import RemoteListing
from gridkit_django.models import CatalogEntry, CatalogSource
from gridkit_django.plugins.search import LIMIT_MAX, PluginSearchQuery

_HIDDEN = "archived"
_SHOWN = 12

_ORDERS: Mapping[str, tuple[F | str, ...] | tuple[object, ...]] = MappingProxyType(
    {
        "relevance": ("rank", "-downloads", "plugin_id"),
        "downloads": ("-downloads", "plugin_id"),
        "rating": (F("rating").desc(nulls_last=True), "plugin_id"),
        "updated": (F("updated_at").desc(nulls_last=True), "plugin_id"),
        "name": (Lower("name"), "plugin_id"),
    }
)


@dataclass(frozen=True, slots=True)
class CatalogAge:
    """How fresh the copy of one marketplace is.

    Attributes:
        alias: its name in the settings.
        name: what it calls itself.
        refreshed_at: when it was followed last; None for never.
        error: why it could not be followed since; empty when it could.
        retry_at: when it is asked again after failures.
        skipped: entries that were left out, with the reason.
        tried_at: when it was asked last; None for never.
    """

    alias: str
    name: str
    refreshed_at: datetime | None
    error: str = ""
    retry_at: datetime | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    tried_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page of what was found.

    Attributes:
        count: how many there are.
        plugins: those of the page.
        ages: how fresh the copies are that were searched.
        offline: whether this site asks no marketplace.
        meant: the words that were searched for instead, when nothing had those that were asked for.
    """

    count: int
    plugins: tuple[RemoteListing, ...]
    ages: tuple[CatalogAge, ...]
    offline: bool
    meant: str = ""


def search(query: PluginSearchQuery) -> SearchResult:
    """Return a page of the plugins that a query admits; what has exactly the name or id comes first.

    Where nothing has the words, those that were probably meant are searched for.

    Raises:
        PluginSearchError: when the query makes no sense; one item in ``errors`` for each fault.
    """
    _check(query)
    rows = _admitted(query)
    instead = ""
    if query.query and not rows.exists():
        text = _folded(query.query)
        instead = meant(text, _visible())
        instead = "" if instead == text else instead
        rows = _admitted(replace(query, query=instead or text))
    order = _ORDERS[query.sort_by]
    page = list(rows.order_by(*order)[query.offset : query.offset + query.limit])
    return SearchResult(
        count=rows.count(),
        plugins=tuple(listing_of(entry) for entry in page),
        ages=catalogue_ages(),
        offline=settings().MARKETPLACE_OFFLINE,
        meant=instead,
    )


def get_listing(plugin_id: str) -> RemoteListing:
    """Return all that a marketplace says about a plugin.

    Raises:
        PluginNotListedError: when the catalogue has no such plugin.
    """
    entry = entry_of(plugin_id)
    if entry is None:
        raise PluginNotListedError(
            f"The catalogue of this site has no plugin {plugin_id[:200]!r}. It may be new: refresh the catalogue."
        )
    return listing_of(entry)


def featured(limit: int = _SHOWN) -> tuple[RemoteListing, ...]:
    """Return the plugins that marketplaces put first, by name."""
    return _some(_visible().filter(featured=True).order_by("name"), limit)


def popular(limit: int = _SHOWN) -> tuple[RemoteListing, ...]:
    """Return the plugins that are downloaded most."""
    return _some(_visible().order_by("-downloads", "plugin_id"), limit)


def category_counts(query: PluginSearchQuery | None = None) -> Mapping[str, int]:
    """Return how many plugins each category has, by category.

    Args:
        query: count only what it admits, whichever category it asks for; None for all plugins.
    """
    rows = _visible() if query is None else _admitted(replace(query, category=None))
    found = rows.values_list("category").annotate(count=Count("pk")).order_by("category")
    return MappingProxyType(dict(found))


def catalogue_ages() -> tuple[CatalogAge, ...]:
    """Return how fresh the copy of each marketplace of the settings is, by alias."""
    rows = {row.alias: row for row in CatalogSource.objects.using(database()).all()}
    return tuple(_age(remote.alias, rows.get(remote.alias)) for remote in remotes())


def _age(alias: str, row: CatalogSource | None) -> CatalogAge:
    if row is None:
        return CatalogAge(alias, alias, None)
    skipped: dict[str, str] = row.skipped
    told = MappingProxyType(skipped)
    return CatalogAge(alias, str(row), row.refreshed_at, row.error, row.retry_at, told, row.tried_at)


def _visible() -> QuerySet[CatalogEntry]:
    aliases = [remote.alias for remote in remotes()]
    return CatalogEntry.objects.using(database()).filter(source__alias__in=aliases).exclude(state=_HIDDEN)


def _some(rows: QuerySet[CatalogEntry], limit: int) -> tuple[RemoteListing, ...]:
    return tuple(listing_of(entry) for entry in rows[:limit])


def _admitted(query: PluginSearchQuery) -> QuerySet[CatalogEntry]:
    text = _folded(query.query)
    rows = _visible()
    for word in text.split():
        rows = rows.filter(words__contains=word)
    for tag in query.tags:
        rows = rows.filter(tag_text__contains=f",{tag},")
    if query.category is not None:
        rows = rows.filter(category=query.category)
    if query.verified is not None:
        rows = rows.filter(verified=query.verified)
    if query.free is not None:
        rows = rows.filter(free=query.free)
    if query.min_rating is not None:
        rows = rows.filter(rating__gte=query.min_rating)
    exact = Q(plugin_id=text) | Q(plugin_id__endswith=f"/{text}") | Q(name__iexact=text)
    begins = Q(name__istartswith=text) if text else Q(pk=None)
    rank = Case(When(exact, then=Value(0)), When(begins, then=Value(1)), default=Value(2), output_field=IntegerField())
    return rows.annotate(rank=rank)


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _check(query: PluginSearchQuery) -> None:
    checks = (
        ("sort_by", query.sort_by in _ORDERS, f"known are {', '.join(_ORDERS)}"),
        ("min_rating", query.min_rating is None or 0 <= query.min_rating <= 5, "0 to 5 is possible"),
        ("limit", 1 <= query.limit <= LIMIT_MAX, f"it is {query.limit}; 1 to {LIMIT_MAX} is possible"),
        ("offset", query.offset >= 0, f"it is {query.offset}; 0 or more is possible"),
    )
    faults = [ErrorItem(f"/{name}", PluginSearchError.code, detail) for name, good, detail in checks if not good]
    if faults:
        text = "; ".join(f"{item.pointer[1:]}: {item.detail}" for item in faults)
        raise PluginSearchError(f"The search can't be answered: {text}.", errors=faults)
