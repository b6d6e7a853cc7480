"""Advisories: written by administrators, judged here, and put into the signed feed by the worker that signs."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import MarketError
from gridkit_django.marketplace import trust
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.signing import shelf_changed
from gridkit_django.marketplace.trust import Advisory
from gridkit_django.models import MarketAdvisory


def judged(row: MarketAdvisory) -> Advisory:
    """Return what a row says, in the form of the feed.

    Raises:
        MarketError: when it is no advisory; says why.
    """
    facts = {
        "id": row.name,
        "plugin": row.plugin_id,
        "versions": row.versions,
        "action": row.action,
        "reason": row.reason,
        "url": row.url,
        "published": row.published_at.isoformat(timespec="seconds"),
    }
    try:
        return Advisory.of(facts)
    except ValueError as error:
        raise MarketError(f"This is no advisory: {error}.") from error


def save_advisory(row: MarketAdvisory) -> None:
    """Store an advisory; a worker puts it into the signed feed, or takes it out when it is withdrawn.

    Raises:
        MarketError: when it is no advisory.
    """
    judged(row)
    using = database()
    with transaction.atomic(using):
        row.signed = False
        row.save(using=using)
        record(
            "advisory.withdraw" if row.withdrawn else "advisory.publish",
            target=Target.of_row(MarketAdvisory, row.pk, row.name),
            evidence={"plugin": row.plugin_id, "versions": row.versions, "action": row.action},
            using=using,
        )
        transaction.on_commit(partial(shelf_changed.send, MarketAdvisory), using=using)


def follow_advisories() -> int:
    """Bring the signed feed in step with the rows, and return how many rows that were.

    Raises:
        MarketplaceError: when there was no key ceremony yet, or the feed is too long.
        SignatureError: when the online key can't be read.
    """
    rows = list(MarketAdvisory.objects.using(database()).filter(signed=False))
    if not rows:
        return 0
    repository = trust.TrustRepository.of_site()
    there = {item.id for item in trust.published_feed(repository).advisories}
    withdraw = [row.name for row in rows if row.withdrawn and row.name in there]
    trust.publish_advisories(repository, [judged(row) for row in rows if not row.withdrawn], withdraw=withdraw)
    for row in rows:
        # Where somebody changed it meanwhile, it stays behind and comes again.
        same = {"versions": row.versions, "action": row.action, "reason": row.reason, "withdrawn": row.withdrawn}
        MarketAdvisory.objects.using(database()).filter(pk=row.pk, url=row.url, **same).update(signed=True)
    return len(rows)
