"""``PluginMarketplace``: everything that a site does with marketplaces, as the specification names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.marketplace.client import finding
from gridkit_django.marketplace.client.age import check_age
from gridkit_django.marketplace.client.counting import count, rate
from gridkit_django.marketplace.client.finding import SearchResult, get_listing
from gridkit_django.marketplace.client.http import RemoteClient, Request
from gridkit_django.marketplace.client.hub import MarketplacePlugins
from gridkit_django.marketplace.client.remotes import Remote, remote_of
from gridkit_django.marketplace.client.resolving import InstallPlan, make_install_plan
from gridkit_django.marketplace.client.trusting import check_author, fetch_package
from gridkit_django.marketplace.client.wire import RemoteListing
from gridkit_django.plugins import PluginInfo, PluginSearchQuery, plugin_manager
from gridkit_django.typing import User


class PluginMarketplace:
    """The marketplaces of the settings, as one.

    What is found comes from the local catalogue. Only ``download``, ``publish``, ``unpublish``, the counts and the
    analytics ask a marketplace, at once, so don't call them in a request.

    Args:
        user: who acts, None for the system.
    """

    def __init__(self, user: User | None = None) -> None:
        self._user = user
        self._plugins = MarketplacePlugins()

    def search(self, query: PluginSearchQuery) -> SearchResult:
        """Return a page of what a query finds. See ``finding.search``."""
        return finding.search(query)

    def get_plugin(self, plugin_id: str) -> RemoteListing:
        """Return all that a marketplace says about a plugin.

        Raises:
            PluginNotListedError: when the catalogue has no such plugin.
        """
        return get_listing(plugin_id)

    def get_featured(self) -> tuple[RemoteListing, ...]:
        """Return the plugins that marketplaces put first."""
        return finding.featured()

    def get_popular(self) -> tuple[RemoteListing, ...]:
        """Return the plugins that are downloaded most."""
        return finding.popular()

    def get_by_category(self, category: str) -> tuple[RemoteListing, ...]:
        """Return the plugins of a category that are downloaded most."""
        query = PluginSearchQuery(category=category, sort_by="downloads", limit=100)
        return finding.search(query).plugins

    def plan(self, plugin_id: str, version: str | None = None) -> InstallPlan:
        """Return what installing or updating would do, with reasons. See ``resolving.make_install_plan``."""
        return make_install_plan(plugin_id, version)

    def install(
        self,
        plugin_id: str,
        version: str | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        activate: bool = True,
        switch_anyway: bool = False,
    ) -> PluginInfo:
        """Install a plugin with all permissions that it asks for, in this process, and return it.

        Args:
            plugin_id: which plugin.
            version: exactly this release; None for the newest that fits.
            config: the configuration for all grids; None for the defaults.
            activate: whether to start it at once.
            switch_anyway: do not wait for hosts that do not have the files.

        Raises:
            MarketplaceError: why it could not be installed.
        """
        self._plugins.install(
            plugin_id,
            version=version,
            config=config,
            grants="all",
            activate=activate,
            user=self._user,
            switch_anyway=switch_anyway,
        )
        return plugin_manager().get_plugin(plugin_id)

    def update(
        self,
        plugin_id: str,
        version: str | None = None,
        *,
        switch_anyway: bool = False,
        canary_seconds: int | None = None,
    ) -> PluginInfo:
        """Update an installed plugin in this process, and return it.

        Args:
            plugin_id: which plugin.
            version: exactly this release; None for the newest that fits.
            switch_anyway: do not wait for hosts that do not have the files.
            canary_seconds: for how long one process tries it first; 0 for all at once, None for what the site does.

        Raises:
            MarketplaceError: why it could not be updated.
        """
        how: dict[str, Any] = {"switch_anyway": switch_anyway, "canary_seconds": canary_seconds}
        self._plugins.update(plugin_id, version, grants=(), user=self._user, **how)
        return plugin_manager().get_plugin(plugin_id)

    def download(self, plugin_id: str, version: str | None = None) -> bytes:
        """Return the wheel of a release, judged by digest, signatures and publisher. Nothing is installed.

        Raises:
            MarketplaceError: when there is none, or it can't be believed.
        """
        release = make_install_plan(plugin_id, version).chosen()
        remote, listing = remote_of(plugin_id), get_listing(plugin_id)
        content, believed = fetch_package(remote, release)
        check_author(remote, listing, believed, "")
        check_age(remote.alias, plugin_id, believed)
        count(remote, plugin_id, "download", release.version)
        return content

    def publish(self, remote: Remote, package: tuple[str, bytes], signed: Mapping[str, str]) -> dict[str, Any]:
        """Upload a release, with the publisher's token of the settings.

        Args:
            remote: to which marketplace.
            package: name and content of the wheel.
            signed: ``signature``, ``public_key`` and, if there are any, ``notes``.

        Returns:
            ``id``, ``version``, ``state`` and ``url``, as the marketplace answers.

        Raises:
            MarketplaceError: when it could not be reached, or refuses the release.
        """
        return RemoteClient(remote).ask(Request("POST", "api/v1/releases/", form={"package": package, **signed}))

    def unpublish(self, plugin_id: str) -> None:
        """Take a plugin out of its marketplace, with the publisher's token of the settings.

        Raises:
            MarketplaceError: when it could not be reached, or refuses.
        """
        RemoteClient(remote_of(plugin_id)).post(f"api/v1/plugins/{plugin_id}/unpublish/", {})

    def track_download(self, plugin_id: str, version: str) -> None:
        """Tell the marketplace of a download.

        Raises:
            MarketplaceError: when it could not be told.
        """
        count(remote_of(plugin_id), plugin_id, "download", version)

    def track_rating(self, plugin_id: str, rating: int) -> None:
        """Tell the marketplace what this site thinks of a plugin, 1 to 5.

        Raises:
            MarketplaceError: when it could not be told, or refuses the rating.
        """
        rate(remote_of(plugin_id), plugin_id, rating)

    def get_analytics(self, plugin_id: str) -> dict[str, Any]:
        """Return how a plugin of one's own does, with the publisher's token of the settings.

        Raises:
            MarketplaceError: when it could not be reached, or refuses.
        """
        return RemoteClient(remote_of(plugin_id)).get(f"api/v1/plugins/{plugin_id}/analytics/")
