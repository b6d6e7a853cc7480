"""The client: the marketplaces of others, what they list, and how a plugin comes from there to every process."""

from __future__ import annotations

from gridkit_django.marketplace.client.catalogue import refresh_catalogue
from gridkit_django.marketplace.client.finding import (
    CatalogAge,
    SearchResult,
    catalogue_ages,
    category_counts,
    featured,
    get_listing,
    popular,
    search,
)
from gridkit_django.marketplace.client.hub import MarketplacePlugins
from gridkit_django.marketplace.client.marketplace import PluginMarketplace
from gridkit_django.marketplace.client.peers import PeerPlan
from gridkit_django.marketplace.client.remotes import Remote, remote_named, remote_of, remotes
from gridkit_django.marketplace.client.resolving import InstallPlan, Verdict, make_install_plan
from gridkit_django.marketplace.client.wire import RemoteListing, RemoteRelease

__all__ = [
    "CatalogAge",
    "InstallPlan",
    "MarketplacePlugins",
    "PeerPlan",
    "PluginMarketplace",
    "Remote",
    "RemoteListing",
    "RemoteRelease",
    "SearchResult",
    "Verdict",
    "catalogue_ages",
    "category_counts",
    "featured",
    "get_listing",
    "make_install_plan",
    "popular",
    "refresh_catalogue",
    "remote_named",
    "remote_of",
    "remotes",
    "search",
]
