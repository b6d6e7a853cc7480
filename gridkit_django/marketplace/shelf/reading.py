"""What everybody may read: listings with a public release, and their public releases. All else is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, QuerySet
from packaging.version import Version

from gridkit_django.exceptions import ListingNotFoundError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.serials import current_serial
from gridkit_django.marketplace.shelf.storing import name_of
from gridkit_django.models import (
    Listing,
    ListingPicture,
    ListingState,
    Publisher,
    PublisherKeyStatement,
    Release,
    ReleaseFile,
    ReleaseState,
)

PUBLIC = frozenset({ReleaseState.PUBLISHED, ReleaseState.YANKED})
"""States in which everybody may fetch the file."""

CHANGES_MAX = 200
"""Listings in one page of changes."""


@dataclass(frozen=True, slots=True)
class Changes:
    """A page of what changed.

    Attributes:
        serial: up to which change it goes.
        more: whether there are further pages.
        listings: what is public now, in the order of their changes.
        removed: ids of what is public no more.
    """

    serial: int
    more: bool
    listings: Sequence[Listing]
    removed: Sequence[str]


def public_listings() -> QuerySet[Listing]:
    """Return the listings that everybody may read, with publisher and latest release."""
    rows = Listing.objects.using(database()).exclude(state__in=(ListingState.PENDING, ListingState.REMOVED))
    return rows.filter(latest__isnull=False).select_related("publisher", "latest")


def public_listing(plugin_id: str) -> Listing:
    """Return one of them, with its releases and pictures.

    Raises:
        ListingNotFoundError: when there is none, or none that is public.
    """
    found = with_releases(public_listings()).filter(plugin_id=plugin_id).first()
    if found is None:
        raise ListingNotFoundError(f"This marketplace has no plugin {plugin_id[:200]!a}.")
    return found


def with_releases(rows: QuerySet[Listing]) -> QuerySet[Listing]:
    """Let listings come with their public releases and their pictures."""
    releases = Release.objects.using(database()).filter(state__in=PUBLIC).select_related("file")
    pictures = ListingPicture.objects.using(database()).order_by("position")
    statements = PublisherKeyStatement.objects.using(database()).order_by("serial")
    return rows.prefetch_related(
        Prefetch("releases", releases),
        Prefetch("pictures", pictures),
        Prefetch("publisher__key_statements", statements),
    )


def releases_of(listing: Listing) -> list[Release]:
    """Return the releases that a listing came with, newest first."""
    return sorted(listing.releases.all(), key=lambda release: Version(release.version), reverse=True)


def public_release(plugin_id: str, version: str) -> Release:
    """Return a release that everybody may fetch, also when it is yanked.

    Raises:
        ListingNotFoundError: when there is none.
    """
    rows = Release.objects.using(database()).select_related("listing", "listing__publisher", "file")
    found = rows.filter(listing__plugin_id=plugin_id, version=version, state__in=PUBLIC).first()
    if found is None:
        raise ListingNotFoundError(f"This marketplace has no release {version[:64]!a} of {plugin_id[:200]!a}.")
    return found


def public_file(sha256: str, filename: str) -> ReleaseFile:
    """Return the file of a public release.

    Raises:
        ListingNotFoundError: when there is none.
    """
    rows = ReleaseFile.objects.using(database()).select_related("release")
    found = rows.filter(sha256=sha256, filename=filename, release__state__in=PUBLIC).first()
    if found is None:
        raise ListingNotFoundError("There is no such file here.")
    return found


def public_publisher(name: str) -> Publisher | None:
    """Return a publisher that has something public; None when there is none."""
    found = public_listings().filter(publisher__name=name).first()
    return None if found is None else found.publisher


def changes_since(serial: int, most: int = CHANGES_MAX) -> Changes:
    """Return what changed after a serial, oldest change first.

    Args:
        serial: the last that the caller has seen; 0 for all that is there.
        most: listings in the page.
    """
    now = current_serial()
    rows = Listing.objects.using(database()).filter(serial__gt=serial, serial__lte=now).order_by("serial")
    page = list(with_releases(rows.select_related("publisher", "latest"))[: most + 1])
    more = len(page) > most
    page = page[:most]
    hidden = {ListingState.PENDING, ListingState.REMOVED}
    shown = [item for item in page if item.state not in hidden and item.latest is not None]
    gone = [item.plugin_id for item in page if item not in shown]
    return Changes(page[-1].serial if more else now, more, shown, gone)


def any_release(plugin_id: str, version: str) -> Release:
    """Return a release in whatever state, with its file and checks; who may see it is the caller's question.

    Raises:
        ListingNotFoundError: when there is none.
    """
    rows = Release.objects.using(database()).select_related("listing", "listing__publisher", "file")
    found = rows.prefetch_related("checks").filter(listing__plugin_id=plugin_id, version=version).first()
    if found is None:
        raise ListingNotFoundError(f"This marketplace has no release {version[:64]!a} of {plugin_id[:200]!a}.")
    return found


def any_listing(plugin_id: str) -> Listing:
    """Return a listing in whatever state; who may see it is the caller's question.

    Raises:
        ListingNotFoundError: when there is none.
    """
    found = Listing.objects.using(database()).select_related("publisher").filter(plugin_id=plugin_id).first()
    if found is None:
        raise ListingNotFoundError(f"This marketplace has no plugin {plugin_id[:200]!a}.")
    return found


def public_picture(sha256: str) -> str:
    """Return the name in the storage of a picture that a public listing shows.

    Raises:
        ListingNotFoundError: when there is none.
    """
    public = public_listings()
    name = f"{sha256}.png"
    shown = ListingPicture.objects.using(database()).filter(sha256=sha256, listing__in=public)
    if not (shown.exists() or public.filter(icon=name).exists()):
        raise ListingNotFoundError("There is no such picture here.")
    return name_of("pictures", sha256, name)
