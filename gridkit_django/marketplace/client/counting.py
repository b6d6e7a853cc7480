"""What a marketplace is told of this site: that somebody has installed a plugin, and what they think of it. No more."""

from __future__ import annotations

from django.utils.crypto import salted_hmac

from gridkit_django import __version__
from gridkit_django.marketplace.client.http import RemoteClient, Request
from gridkit_django.marketplace.client.remotes import Remote


def site_name(remote: Remote) -> str:
    """Return the name of this site for one marketplace: always the same there, and another one elsewhere."""
    return salted_hmac("gridkit_django.marketplace.site", remote.url, algorithm="sha256").hexdigest()[:32]


def count(remote: Remote, plugin_id: str, kind: str, version: str) -> None:
    """Tell a marketplace of a download, installation, update or removal.

    Args:
        remote: which marketplace.
        plugin_id: which plugin.
        kind: ``download``, ``install``, ``update`` or ``uninstall``.
        version: which release.

    Raises:
        MarketplaceError: when it could not be told.
    """
    body = {"site": site_name(remote), "kind": kind, "version": version, "core_version": __version__}
    RemoteClient(remote).post(f"api/v1/plugins/{plugin_id}/events/", body)


def rate(remote: Remote, plugin_id: str, rating: int) -> None:
    """Tell a marketplace what this site thinks of a plugin.

    Args:
        remote: which marketplace.
        plugin_id: which plugin.
        rating: 1 to 5.

    Raises:
        MarketplaceError: when it could not be told, or refuses it.
    """
    body = {"site": site_name(remote), "rating": rating}
    RemoteClient(remote).ask(Request("PUT", f"api/v1/plugins/{plugin_id}/rating/", body=body))
