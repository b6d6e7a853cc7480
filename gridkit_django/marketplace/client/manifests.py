"""What a marketplace says about a release, in the words of a manifest, so that plans can be made before a download."""

from __future__ import annotations

from gridkit_django.marketplace.client.wire import RemoteListing, RemoteRelease
from gridkit_django.plugins import PluginMetadata
from gridkit_django.plugins.metadata import Category, parse_manifest


def metadata_of(listing: RemoteListing, release: RemoteRelease) -> PluginMetadata:
    """Return what a manifest would say, by the words of the marketplace; the package's own manifest is judged later.

    Raises:
        ManifestError: when it breaks the schema of manifests.
    """
    known = listing.category in set(Category)
    values = {
        "id": listing.id,
        "name": listing.name,
        "version": release.version,
        "author": listing.publisher.display_name or listing.publisher.name,
        "description": listing.summary or listing.name,
        "category": listing.category if known else Category.UTILITY.value,
        "tags": listing.tags,
        "core_version": release.core_version,
        "peer_plugins": release.peer_plugins,
        "incompatible_with": release.incompatible_with,
        "license": listing.license or "unknown",
        "pricing": listing.pricing,
        "required_permissions": release.permissions,
        "requires_restart": release.requires_restart,
    }
    return parse_manifest(values, where=listing.id)
