"""Yanking, taking a yank back, unpublishing and removing, as PyPI means them.

A yanked release is not found and not chosen any more, but who asks for exactly this version gets it, with the reason.
A removed one is gone; its version number, and the names of a removed plugin, stay taken for ever.
"""

from __future__ import annotations

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import ReleaseStateError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.fronts import renew_listing, touch_listing
from gridkit_django.marketplace.shelf.mails import MailKind, tell_publisher
from gridkit_django.marketplace.shelf.states import ALLOWED, move
from gridkit_django.models import Listing, ListingState, Release, ReleaseState

_REASON_MAX = 500


def yank_release(release: Release, reason: str) -> Release:
    """Take a release out of search and resolution; it stays fetchable by its exact version.

    Raises:
        ReleaseStateError: without a reason, or when it is not published.
    """
    if not reason.strip():
        raise ReleaseStateError("Say why: everybody who has this version reads it.")
    return move(release, ReleaseState.YANKED, why=reason, yanked_reason=reason.strip()[:_REASON_MAX])


def unyank_release(release: Release) -> Release:
    """Take a yank back.

    Raises:
        ReleaseStateError: when it is not yanked.
    """
    if release.state != ReleaseState.YANKED:
        raise ReleaseStateError(f"{release} is not yanked.")
    return move(release, ReleaseState.PUBLISHED, yanked_reason="")


def quarantine_release(release: Release, reason: str) -> Release:
    """Take a public release away until somebody has looked at it: no one can fetch it meanwhile.

    Raises:
        ReleaseStateError: when it is not public.
    """
    return move(release, ReleaseState.QUARANTINED, why=reason, held_for=[reason], reviewed=False)


def remove_release(release: Release, reason: str) -> Release:
    """Remove a release for ever.

    Raises:
        ReleaseStateError: when it is removed already.
    """
    return move(release, ReleaseState.REMOVED, why=reason)


def unpublish(listing: Listing, reason: str = "") -> Listing:
    """Remove a plugin with all its releases; a tombstone keeps its names.

    Raises:
        ReleaseStateError: when it is removed already.
    """
    using = database()
    with transaction.atomic(using):
        row = Listing.objects.using(using).select_for_update().get(pk=listing.pk)
        if row.state == ListingState.REMOVED:
            raise ReleaseStateError(f"{row.plugin_id} is removed already.")
        before, row.state, row.state_reason = row.state, ListingState.REMOVED, reason[:_REASON_MAX]
        row.save(using=using, update_fields=["state", "state_reason"])
        for release in Release.objects.using(using).filter(listing=row):
            if ReleaseState.REMOVED in ALLOWED[ReleaseState(release.state)]:
                move(release, ReleaseState.REMOVED, why=reason or "the plugin was unpublished", tell=False)
        renew_listing(row)
        tell_publisher(row.publisher_id, MailKind.REMOVED, {"plugin_id": row.plugin_id, "reason": row.state_reason})
        record(
            "listing.remove",
            target=Target.of_row(Listing, row.pk, row.plugin_id),
            changes={"state": [before, ListingState.REMOVED.value]},
            evidence={"reason": reason},
            using=using,
        )
    row.refresh_from_db(using=using)
    return row


def set_listing_state(listing: Listing, state: ListingState, reason: str = "") -> Listing:
    """Say that a plugin is active, deprecated or archived.

    Raises:
        ReleaseStateError: for another state, or a plugin that is removed or has nothing published.
    """
    may = (ListingState.ACTIVE, ListingState.DEPRECATED, ListingState.ARCHIVED)
    using = database()
    with transaction.atomic(using):
        row = Listing.objects.using(using).select_for_update().get(pk=listing.pk)
        if state not in may or row.state not in may:
            raise ReleaseStateError(f"{row.plugin_id} is {row.state} and can't become {state}.")
        before, row.state, row.state_reason = row.state, state, reason[:_REASON_MAX]
        touch_listing(row, "state", "state_reason")
        record(
            f"listing.{state.value}",
            target=Target.of_row(Listing, row.pk, row.plugin_id),
            changes={"state": [before, state.value]},
            evidence={"reason": reason},
            using=using,
        )
    return row
