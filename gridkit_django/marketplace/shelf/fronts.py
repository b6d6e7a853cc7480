"""The front of a listing: which release stands for it, what the search reads of it, and the serial of its change."""

from __future__ import annotations

from packaging.version import Version

from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.search.rows import drop_row, write_row
from gridkit_django.marketplace.shelf.serials import next_serial
from gridkit_django.models import Listing, ListingState, Release, ReleaseState


def renew_listing(listing: Listing) -> None:
    """Bring a listing in step with its releases, in the transaction of whatever changed them.

    The newest final release stands for the plugin, a pre-release only where there is no other; yanked ones only where
    there is nothing else.
    """
    using = database()
    listing = Listing.objects.using(using).select_for_update().get(pk=listing.pk)
    listing.latest = _latest(listing)
    if listing.latest is None and listing.state != ListingState.REMOVED:
        listing.state = ListingState.PENDING
    elif listing.state == ListingState.PENDING:
        listing.state = ListingState.ACTIVE
    if listing.latest is not None:
        _take_over(listing, listing.latest)
    listing.serial = next_serial()
    listing.save(using=using)
    renew_row(listing)


def touch_listing(listing: Listing, *fields: str) -> None:
    """Store changed fields of a listing under a new serial, and let the search follow.

    Before anything of it is public, its changes have no serial: who follows the changes would learn its name.

    Args:
        listing: with the new values.
        fields: which changed.
    """
    if listing.state == ListingState.PENDING:
        listing.save(using=database(), update_fields=fields)
        return
    listing.serial = next_serial()
    listing.save(using=database(), update_fields=["serial", *fields])
    renew_row(listing)


def renew_row(listing: Listing) -> None:
    """Let the search follow a listing: only what has a release that is not yanked is found."""
    latest = listing.latest
    shown = latest is not None and latest.state == ReleaseState.PUBLISHED and listing.state in SEARCHED
    if shown:
        write_row(listing)
    else:
        drop_row(listing)


SEARCHED = frozenset({ListingState.ACTIVE, ListingState.DEPRECATED})
"""States of a listing that the search finds."""


def newest(releases: list[Release]) -> Release | None:
    """Return the newest final release; the newest pre-release where there is no other."""
    if not releases:
        return None
    return max(releases, key=lambda item: (not Version(item.version).is_prerelease, Version(item.version)))


def _latest(listing: Listing) -> Release | None:
    rows = Release.objects.using(database()).filter(listing=listing)
    published = newest(list(rows.filter(state=ReleaseState.PUBLISHED)))
    return published or newest(list(rows.filter(state=ReleaseState.YANKED)))


def _take_over(listing: Listing, release: Release) -> None:
    """Copy what the newest manifest says of the plugin."""
    manifest = release.manifest
    listing.name = manifest["name"]
    listing.summary = manifest["description"]
    listing.category = manifest["category"]
    listing.tags = list(manifest.get("tags", ()))
    listing.pricing = manifest["pricing"]
    listing.license = manifest["license"]
    listing.homepage = manifest.get("homepage") or ""
    listing.repository = manifest.get("repository") or ""
    listing.updated_at = release.released_at
