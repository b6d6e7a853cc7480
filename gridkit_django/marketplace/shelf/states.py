"""How far a release may go from where it is, and going there: one transaction with its audit record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import ReleaseStateError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.fronts import renew_listing
from gridkit_django.marketplace.shelf.mails import tell_of_release
from gridkit_django.marketplace.shelf.reading import PUBLIC
from gridkit_django.marketplace.shelf.signing import shelf_changed
from gridkit_django.models import Release, ReleaseState

ALLOWED: Mapping[ReleaseState, frozenset[ReleaseState]] = MappingProxyType(
    {
        ReleaseState.DRAFT: frozenset({ReleaseState.CHECKING, ReleaseState.REMOVED}),
        ReleaseState.CHECKING: frozenset({ReleaseState.QUARANTINED, ReleaseState.PUBLISHED, ReleaseState.REMOVED}),
        ReleaseState.QUARANTINED: frozenset({ReleaseState.CHECKING, ReleaseState.PUBLISHED, ReleaseState.REMOVED}),
        ReleaseState.PUBLISHED: frozenset({ReleaseState.YANKED, ReleaseState.QUARANTINED, ReleaseState.REMOVED}),
        ReleaseState.YANKED: frozenset({ReleaseState.PUBLISHED, ReleaseState.QUARANTINED, ReleaseState.REMOVED}),
        ReleaseState.REMOVED: frozenset(),
    }
)
"""What may follow each state; nothing follows ``removed``."""


def move(
    release: Release,
    to: ReleaseState,
    *,
    why: str = "",
    tell: bool = True,
    evidence: Mapping[str, Any] = MappingProxyType({}),
    **values: Any,
) -> Release:
    """Let a release go to another state, and the listing follow.

    Args:
        release: which; the row is locked and read again.
        to: where.
        why: a reason for people; it stands in the audit record.
        tell: whether the publisher gets a mail.
        evidence: further facts for the audit record.
        values: fields of the release that change with it.

    Raises:
        ReleaseStateError: when the state does not allow it.
    """
    using = database()
    with transaction.atomic(using):
        row = Release.objects.using(using).select_for_update().select_related("listing").get(pk=release.pk)
        before = ReleaseState(row.state)
        if to not in ALLOWED[before]:
            may = ", ".join(sorted(ALLOWED[before])) or "nothing else"
            raise ReleaseStateError(f"{row} is {before.label}; from there it can become {may}, not {to.value}.")
        values = {**values, "state": to, "changed_at": timezone.now()}
        for name, value in values.items():
            setattr(row, name, value)
        row.save(using=using, update_fields=list(values))
        record(
            f"release.{to.value}",
            target=Target.of_row(Release, row.pk, str(row)),
            changes={"state": [before.value, to.value]},
            evidence={**evidence, **({"reason": why} if why else {})},
            using=using,
        )
        if tell:
            names = (row.listing.plugin_id, row.version)
            tell_of_release(row.listing.publisher_id, names, (before, to), why, row.held_for)
        if before in PUBLIC or to in PUBLIC:
            renew_listing(row.listing)
            transaction.on_commit(partial(shelf_changed.send, Release), using=using)
    return row
