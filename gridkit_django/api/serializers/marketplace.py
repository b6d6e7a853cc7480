"""Plugins of marketplaces on the wire: what the local catalogue has, and what installing one would do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.conf import settings
from gridkit_django.marketplace.client import (
    CatalogAge,
    InstallPlan,
    PeerPlan,
    RemoteListing,
    SearchResult,
    catalogue_ages,
)
from gridkit_django.marketplace.client.pictures import picture_address
from gridkit_django.marketplace.client.wire import Picture, RemoteRelease
from gridkit_django.models import CatalogRefresh
from gridkit_django.plugins.metadata import CANARY_SECONDS_MAX


class MarketplaceState(ResponseBody):
    """How fresh the copy of one marketplace is."""

    alias: str
    name: str
    refreshed_at: datetime | None
    """When it was followed last; null for never."""
    error: str
    """Why it could not be followed since; empty when it could."""


class MarketplaceSource(MarketplaceState):
    """How the copy of one marketplace stands."""

    tried_at: datetime | None
    """When it was asked last."""
    retry_at: datetime | None
    """When it is asked again after failures."""
    skipped: dict[str, str]
    """Entries that were left out, with the reason."""


class MarketplaceSources(ResponseBody):
    """The marketplaces of the settings."""

    offline: bool
    """Whether no marketplace is asked for anything."""
    marketplaces: list[MarketplaceSource]


class MarketplaceFollowed(ResponseBody):
    """What came of following one marketplace."""

    taken: int
    """Entries that came or changed."""
    removed: int
    """Entries that went."""
    left_out: int
    """Entries that do not fit, of all that it lists."""
    seconds: float | None
    """How long it took; null while it is followed."""
    code: str
    """Code of the error; empty when it could be followed."""
    error: str
    """Why it could not be followed; empty when it could."""


class MarketplaceRefresh(ResponseBody):
    """One time that the lists of marketplaces were followed."""

    id: str
    state: Literal["queued", "running", "finished", "failed"]
    """``failed`` when a marketplace could not be followed; the others were all the same."""
    requested_by: str | None
    """Who asked; null when it came by itself."""
    progress: float
    """How much is done, from 0 to 1."""
    results: dict[str, MarketplaceFollowed]
    """By the marketplace's name in the settings; those that were not asked are not in it."""
    error: str
    """Why it broke off as a whole."""
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    url: str


class MarketplaceRefreshes(ResponseBody):
    """The last refreshes, the newest first."""

    results: list[MarketplaceRefresh]


class MarketplacePlugin(ResponseBody):
    """A plugin that a marketplace lists."""

    id: str
    name: str
    summary: str
    category: str
    tags: list[str]
    publisher: str
    identity_proved: bool
    """Whether the marketplace knows who the publisher is; it says nothing about the code."""
    verified: bool
    """Whether a person at the marketplace has looked at the latest release."""
    pricing: str
    license: str
    downloads: int
    rating: float | None
    state: str
    versions: list[str]
    """Numbers of its releases, newest first."""


class MarketplaceRelease(ResponseBody):
    """One release of a plugin."""

    version: str
    digest: str
    """Of the wheel."""
    size: int
    core_version: str
    python_version: str
    permissions: list[str]
    requires: list[str]
    peer_plugins: list[str]
    incompatible_with: list[str]
    state: str
    yanked_reason: str
    reviewed: bool
    """Whether a person at the marketplace has looked at it."""
    released_at: datetime | None
    config_schema: dict[str, Any]
    changelog: str
    """Text as the publisher wrote it: escape it."""


class MarketplacePicture(ResponseBody):
    """A screenshot of a plugin."""

    url: str
    """At the marketplace; empty when the settings name it no more."""
    width: int
    height: int
    caption: str
    """What it shows, as text: escape it."""


class MarketplaceDetail(MarketplacePlugin):
    """All that a marketplace says about a plugin."""

    featured: bool
    state_reason: str
    homepage: str | None
    repository: str | None
    demo: str | None
    documentation: str | None
    pricing_text: str
    pricing_page: str | None
    license_page: str | None
    screenshots: list[MarketplacePicture]
    updated_at: datetime | None
    releases: list[MarketplaceRelease]


class MarketplacePage(ResponseBody):
    """A page of plugins, with the age of the lists that were searched."""

    count: int
    offline: bool
    marketplaces: list[MarketplaceState]
    meant: str
    """The words that were searched for instead, when nothing had those that were asked for; else empty."""
    results: list[MarketplacePlugin]


class ReleaseVerdict(ResponseBody):
    """One release, and why it can't be installed; no reason when it can."""

    version: str
    reasons: list[str]


class PlannedPeer(ResponseBody):
    """A plugin that would come along, because another one needs it and it is not installed."""

    plugin: MarketplacePlugin
    marketplace: str
    version: str
    needed_by: str
    needed_versions: str
    """The range that is needed."""
    asks_for: list[str]
    warnings: list[str]
    sentence: str
    """What it will be able to do."""


class MarketplacePlan(ResponseBody):
    """What installing or updating would do. Nothing is done."""

    plugin: MarketplacePlugin
    marketplace: str
    installed: str
    version: str | None
    """The release that would be taken; null when none can."""
    asks_for: list[str]
    """Permissions that nobody decided about yet."""
    warnings: list[str]
    sentence: str
    """What it will be able to do."""
    peers: list[PlannedPeer]
    """What would be installed before it, in that order; all of it or nothing."""
    releases: list[ReleaseVerdict]


class AgreedPeer(RequestBody):
    """A plugin that may come along."""

    id: str
    version: str | None = None
    """Exactly this release; null for the newest that fits."""
    grants: list[str] = []
    """Permissions to grant it."""


class MarketplaceInstallRequest(RequestBody):
    """What to install; an installed plugin is updated."""

    version: str | None = None
    """Exactly this release; null for the newest that fits."""
    config: dict[str, Any] = {}
    grants: list[str] = []
    """Permissions to grant."""
    activate: bool = False
    """Whether to start it at once; an update leaves it as it is."""
    switch_anyway: bool = False
    """Do not wait for hosts that do not have the files; they follow when they can."""
    canary_seconds: int | None = Field(default=None, ge=0, le=CANARY_SECONDS_MAX)
    """For how long one process tries an update before the others; 0 for all at once, null for what the site does."""
    peers: list[AgreedPeer] = []
    """The plugins of the plan that may come along; without one that is needed, nothing is done."""


def page_body(result: SearchResult) -> dict[str, Any]:
    """Return a page of what was found."""
    return MarketplacePage(
        count=result.count,
        offline=result.offline,
        marketplaces=[_state(age) for age in result.ages],
        meant=result.meant,
        results=[MarketplacePlugin(**_plugin_fields(listing)) for listing in result.plugins],
    ).to_wire()


def refresh_body(refresh: CatalogRefresh, url: str) -> dict[str, Any]:
    """Return one refresh.

    Args:
        refresh: which.
        url: where it is told.
    """
    return _refresh(refresh, url).to_wire()


def refreshes_body(found: Iterable[tuple[CatalogRefresh, str]]) -> dict[str, Any]:
    """Return refreshes, each with where it is told."""
    return MarketplaceRefreshes(results=[_refresh(refresh, url) for refresh, url in found]).to_wire()


def _refresh(refresh: CatalogRefresh, url: str) -> MarketplaceRefresh:
    who = refresh.requested_by
    return MarketplaceRefresh(
        id=str(refresh.pk),
        state=refresh.state,
        requested_by=who.get_username() if who is not None else None,
        progress=refresh.progress,
        results={alias: MarketplaceFollowed(**facts) for alias, facts in refresh.results.items()},
        error=refresh.error,
        created_at=refresh.created_at,
        started_at=refresh.started_at,
        finished_at=refresh.finished_at,
        url=url,
    )


def sources_body() -> dict[str, Any]:
    """Return how the copies of the marketplaces stand."""
    return MarketplaceSources(
        offline=settings().MARKETPLACE_OFFLINE,
        marketplaces=[
            MarketplaceSource(
                alias=age.alias,
                name=age.name,
                refreshed_at=age.refreshed_at,
                error=age.error,
                tried_at=age.tried_at,
                retry_at=age.retry_at,
                skipped=dict(age.skipped),
            )
            for age in catalogue_ages()
        ],
    ).to_wire()


def plan_body(plan: InstallPlan) -> dict[str, Any]:
    """Return a plan."""
    return MarketplacePlan(
        plugin=MarketplacePlugin(**_plugin_fields(plan.listing)),
        marketplace=plan.marketplace,
        installed=plan.installed,
        version=plan.release.version if plan.release is not None else None,
        asks_for=list(plan.asks_for),
        warnings=list(plan.warnings),
        sentence=plan.sentence,
        peers=[_peer(item) for item in plan.peers],
        releases=[ReleaseVerdict(version=item.version, reasons=list(item.reasons)) for item in plan.verdicts],
    ).to_wire()


def _peer(item: PeerPlan) -> PlannedPeer:
    return PlannedPeer(
        plugin=MarketplacePlugin(**_plugin_fields(item.listing)),
        marketplace=item.marketplace,
        version=item.release.version,
        needed_by=item.needed_by,
        needed_versions=item.versions,
        asks_for=list(item.asks_for),
        warnings=list(item.warnings),
        sentence=item.sentence,
    )


def _state(age: CatalogAge) -> MarketplaceState:
    return MarketplaceState(alias=age.alias, name=age.name, refreshed_at=age.refreshed_at, error=age.error)


def detail_body(listing: RemoteListing) -> dict[str, Any]:
    """Return all that a marketplace says about a plugin."""
    return MarketplaceDetail(
        **_plugin_fields(listing),
        featured=listing.featured,
        state_reason=listing.state_reason,
        homepage=listing.homepage,
        repository=listing.repository,
        demo=listing.demo,
        documentation=listing.documentation,
        pricing_text=listing.pricing_text,
        pricing_page=listing.pricing_page,
        license_page=listing.license_page,
        screenshots=[_picture(listing, item) for item in listing.screenshots],
        updated_at=listing.updated_at,
        releases=[_release(item) for item in listing.versions],
    ).to_wire()


def _picture(listing: RemoteListing, item: Picture) -> MarketplacePicture:
    values = item.model_dump() | {"url": picture_address(listing, item.url)}
    return MarketplacePicture(**values)


def _release(item: RemoteRelease) -> MarketplaceRelease:
    return MarketplaceRelease(
        version=item.version,
        digest=item.digest,
        size=item.size,
        core_version=item.core_version,
        python_version=item.python_version,
        permissions=item.permissions,
        requires=item.requires,
        peer_plugins=item.peer_plugins,
        incompatible_with=item.incompatible_with,
        state=item.state,
        yanked_reason=item.yanked_reason,
        reviewed=item.reviewed,
        released_at=item.released_at,
        config_schema=item.config_schema,
        changelog=item.changelog,
    )


def _plugin_fields(listing: RemoteListing) -> dict[str, Any]:
    return {
        "id": listing.id,
        "name": listing.name,
        "summary": listing.summary,
        "category": listing.category,
        "tags": listing.tags,
        "publisher": listing.publisher.display_name or listing.publisher.name,
        "identity_proved": listing.publisher.identity_proved,
        "verified": listing.verified,
        "pricing": listing.pricing,
        "license": listing.license,
        "downloads": listing.downloads,
        "rating": listing.rating.value,
        "state": listing.state,
        "versions": [item.version for item in listing.versions],
    }
