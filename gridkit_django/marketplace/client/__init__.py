"""The client: the marketplaces of others, what they list, and how a plugin comes from there to every process.

What is behind this door is imported at its first use: at the start of a process nobody installs or looks for plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gridkit_django.doors import late_door

if TYPE_CHECKING:
    from gridkit_django.marketplace.client import (
        advising,
        age,
        auto_update,
        catalogue,
        counting,
        dependencies,
        finding,
        manifests,
        parts,
        pictures,
        recipes,
        refreshing,
        remotes,
        resolving,
        wire,
    )
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
    from gridkit_django.marketplace.client.remotes import Remote, remote_named, remote_of
    from gridkit_django.marketplace.client.resolving import InstallPlan, Verdict, make_install_plan
    from gridkit_django.marketplace.client.wire import RemoteListing, RemoteRelease
else:
    __getattr__ = late_door(
        __name__,
        {
            "advising": (),
            "age": (),
            "auto_update": (),
            "catalogue": ("refresh_catalogue",),
            "counting": (),
            "dependencies": (),
            "finding": (
                "CatalogAge",
                "SearchResult",
                "catalogue_ages",
                "category_counts",
                "featured",
                "get_listing",
                "popular",
                "search",
            ),
            "hub": ("MarketplacePlugins",),
            "manifests": (),
            "marketplace": ("PluginMarketplace",),
            "parts": (),
            "peers": ("PeerPlan",),
            "pictures": (),
            "recipes": (),
            "refreshing": (),
            "remotes": ("Remote", "remote_named", "remote_of"),
            "resolving": ("InstallPlan", "Verdict", "make_install_plan"),
            "wire": ("RemoteListing", "RemoteRelease"),
        },
    )

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
    "advising",
    "age",
    "auto_update",
    "catalogue",
    "catalogue_ages",
    "category_counts",
    "counting",
    "dependencies",
    "featured",
    "finding",
    "get_listing",
    "make_install_plan",
    "manifests",
    "parts",
    "pictures",
    "popular",
    "recipes",
    "refresh_catalogue",
    "refreshing",
    "remote_named",
    "remote_of",
    "remotes",
    "resolving",
    "search",
    "wire",
]
