"""From the checks to the public: what holds a release back, and the person who decides about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from gridkit_django.conf import market_settings
from gridkit_django.exceptions import ReleaseStateError
from gridkit_django.marketplace.shelf.checks import run_checks
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.fronts import newest
from gridkit_django.marketplace.shelf.keys import refuse_ended, trust_key
from gridkit_django.marketplace.shelf.states import move
from gridkit_django.models import CheckResult, KeyState, Release, ReleaseCheck, ReleaseState
from gridkit_django.typing import User

ABANDONED = timedelta(minutes=15)
"""How long checks may take before somebody else begins them anew."""


def judge_release(release_id: int) -> Release | None:
    """Make the checks of a release, then publish it or keep it in quarantine; None when it waits for no checks.

    Args:
        release_id: primary key.
    """
    rows = Release.objects.using(database()).select_related("listing", "listing__publisher", "key", "file")
    release = rows.filter(pk=release_id, state=ReleaseState.CHECKING).first()
    if release is None:
        return None
    checks = run_checks(release)
    held_for = [f"check {check.name}: {check.result}" for check in checks if check.result != CheckResult.PASS]
    held_for += review_reasons(release)
    if held_for or not checks:
        why = "; ".join(held_for) or "no check was made"
        return move(release, ReleaseState.QUARANTINED, why=why, held_for=held_for or [why])
    return move(release, ReleaseState.PUBLISHED, held_for=[], released_at=release.released_at or timezone.now())


def review_reasons(release: Release) -> list[str]:
    """Return why a person must look at a release; empty when nobody must."""
    reasons = ["the marketplace reviews every release"] if market_settings().review_all else []
    if not _published_of(release).exists():
        reasons.append("the first release of this publisher")
    if release.key is None or release.key.state == KeyState.NEW:
        reasons.append("signed with a key that is new")
    elif release.key.ended_at is not None and release.created_at >= release.key.ended_at:
        reasons.append(f"signed with a key that is {release.key.state}")
    before = previous_release(release)
    known = set() if before is None else set(before.permissions)
    if more := sorted(set(release.permissions) - known):
        reasons.append(f"asks for new permissions: {', '.join(more)}")
    return reasons


def previous_release(release: Release) -> Release | None:
    """Return the newest release of the plugin that is public, other than this one."""
    rows = Release.objects.using(database()).filter(listing=release.listing_id).exclude(pk=release.pk)
    return newest(list(rows.filter(state__in=(ReleaseState.PUBLISHED, ReleaseState.YANKED))))


def approve_release(release: Release, user: User, note: str = "", *, in_spite: bool = False) -> Release:
    """Publish a release that a person has looked at; its key is trusted from now on.

    Args:
        release: in quarantine.
        user: who looked.
        note: what they saw.
        in_spite: publish it though a check failed; needs a note. A check that broke must be made again first.

    Raises:
        ReleaseStateError: when it is not in quarantine, or a check does not let it through.
        MarketKeyRevokedError: when its key had been revoked or retired when it was uploaded.
    """
    _refuse_unchecked(release, in_spite=in_spite and bool(note.strip()))
    refuse_ended(release.key, release.created_at)
    now = timezone.now()
    approved = move(
        release,
        ReleaseState.PUBLISHED,
        why=note,
        evidence={"inSpiteOfChecks": in_spite},
        held_for=[],
        reviewed=True,
        reviewed_by=user,
        reviewed_at=now,
        review_note=note,
        released_at=release.released_at or now,
    )
    if approved.key is not None and approved.key.state == KeyState.NEW:
        trust_key(approved.key)
    return approved


def refuse_release(release: Release, user: User, note: str) -> Release:
    """Remove a release that a person has looked at; its version number is spent.

    Raises:
        ReleaseStateError: without a note, or when it is not in quarantine.
    """
    if not note.strip():
        raise ReleaseStateError("Say why: the publisher reads it.")
    if release.state != ReleaseState.QUARANTINED:
        raise ReleaseStateError(f"{release} is not in quarantine.")
    values: dict[str, Any] = {"reviewed_by": user, "reviewed_at": timezone.now(), "review_note": note}
    return move(release, ReleaseState.REMOVED, why=note, **values)


def check_again(release: Release) -> Release:
    """Let a release in quarantine be checked anew.

    Raises:
        ReleaseStateError: when it is not in quarantine.
    """
    return move(release, ReleaseState.CHECKING, checking_at=timezone.now())


def waiting_for_checks() -> Sequence[int]:
    """Return the releases whose checks nobody makes: the message was lost, or the worker died."""
    rows = Release.objects.using(database()).filter(state=ReleaseState.CHECKING)
    late = Q(checking_at__isnull=True) | Q(checking_at__lt=timezone.now() - ABANDONED)
    return list(rows.filter(late).values_list("pk", flat=True))


def _published_of(release: Release) -> QuerySet[Release]:
    rows = Release.objects.using(database()).filter(listing__publisher=release.listing.publisher_id)
    return rows.filter(state__in=(ReleaseState.PUBLISHED, ReleaseState.YANKED)).exclude(pk=release.pk)


def _refuse_unchecked(release: Release, *, in_spite: bool) -> None:
    if release.state != ReleaseState.QUARANTINED:
        raise ReleaseStateError(f"{release} is not in quarantine.")
    results = set(ReleaseCheck.objects.using(database()).filter(release=release).values_list("result", flat=True))
    if not results or CheckResult.ERROR in results:
        raise ReleaseStateError("A check of this release could not be made. Let it be checked again first.")
    if CheckResult.FAIL in results and not in_spite:
        raise ReleaseStateError("A check of this release failed. To publish it in spite of that, say why in the note.")
