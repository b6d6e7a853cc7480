"""Letting the signed metadata follow the shelf: it stands for the files of all public releases, and for no others.

A release knows whether the metadata stands for it, so whoever was interrupted between the two is caught up with later.
"""

from __future__ import annotations

from django.db.models import Q
from django.dispatch import Signal

from gridkit_django.conf import settings
from gridkit_django.marketplace import trust
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.reading import PUBLIC
from gridkit_django.models import Release

BATCH = 200

shelf_changed = Signal()
"""Sent after the commit of a change of what is public; the task queue listens."""


def signs() -> bool:
    """Whether this site signs what it serves."""
    return bool(settings().MARKET_TRUST_STORE)


def follow_shelf() -> int:
    """Sign for what became public and no longer for what is not, and return how many releases that were.

    Raises:
        MarketplaceError: when there was no key ceremony yet.
        SignatureError: when the online key can't be read.
    """
    repository = trust.TrustRepository.of_site()
    done = 0
    while rows := _behind():
        wanted = {row.file.filename: _target(row) for row in rows if row.state in PUBLIC}
        gone = [row.file.filename for row in rows if row.state not in PUBLIC]
        repository.publish(wanted, remove=gone)
        for row in rows:
            # Where the state moved meanwhile, the row stays behind and comes again.
            same = Release.objects.using(database()).filter(pk=row.pk, state=row.state)
            same.update(signed=row.state in PUBLIC)
        done += len(rows)
    return done


def _behind() -> list[Release]:
    rows = Release.objects.using(database()).select_related("file", "listing")
    behind = Q(state__in=PUBLIC, signed=False) | (~Q(state__in=PUBLIC) & Q(signed=True))
    return list(rows.filter(behind).order_by("pk")[:BATCH])


def _target(row: Release) -> trust.Target:
    times = {"uploaded_at": row.created_at, "released_at": row.released_at}
    told = {name: moment.isoformat() for name, moment in times.items() if moment is not None}
    return trust.Target(row.size, row.digest, {"id": row.listing.plugin_id, "version": row.version, **told})
