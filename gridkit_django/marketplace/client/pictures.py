"""Where a browser finds the pictures of a plugin: at its marketplace, nothing of them is kept here."""

from __future__ import annotations

from gridkit_django.exceptions import GridKitError
from gridkit_django.marketplace.client.remotes import remote_of
from gridkit_django.marketplace.client.wire import RemoteListing


def picture_address(listing: RemoteListing, path: str | None) -> str:
    """Return the whole address of a picture of a plugin; empty when it has none, or its marketplace is gone."""
    if not path:
        return ""
    try:
        return remote_of(listing.id).url + path
    except GridKitError:
        return ""
