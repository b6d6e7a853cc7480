"""The keys that sign for publishers: seen, believed, retired, revoked; and the signed list that tells sites of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.fields.json import KT
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import KeyStatementError, MarketKeyRevokedError, PublisherError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.fronts import touch_listing
from gridkit_django.marketplace.shelf.mails import MailKind, tell_publisher
from gridkit_django.marketplace.shelf.reading import PUBLIC
from gridkit_django.marketplace.shelf.states import move
from gridkit_django.marketplace.trust import author_key_id
from gridkit_django.marketplace.trust.keylist import STATEMENTS_MAX, KeyAct, KeyList, KeyStatement
from gridkit_django.models import (
    KeyState,
    Listing,
    Publisher,
    PublisherKey,
    PublisherKeyStatement,
    Release,
    ReleaseState,
)

_CLOCKS_DIFFER = timedelta(minutes=5)
_ENDED = (KeyState.RETIRED, KeyState.REVOKED)


def key_of(publisher: Publisher, public_key: str) -> PublisherKey:
    """Return a publisher's key; one that was never seen is noted as new, and its releases wait for review.

    Raises:
        PublisherError: when the key signs for another publisher.
        MarketKeyRevokedError: when it was revoked or retired.
    """
    using = database()
    with transaction.atomic(using):
        key, made = PublisherKey.objects.using(using).get_or_create(
            public_key=public_key, defaults={"publisher": publisher}
        )
        if made:
            record("publisher.key", target=Target.of_row(PublisherKey, key.pk, str(key)), using=using)
    if key.publisher_id != publisher.pk:
        raise PublisherError("This key signs for another publisher. Make one of your own: manage.py gridkit_keygen.")
    refuse_ended(key, timezone.now())
    return key


def refuse_ended(key: PublisherKey | None, moment: datetime) -> None:
    """Refuse what a key signed for when it was revoked or retired.

    Args:
        key: which; None for none.
        moment: when what it signed came in.

    Raises:
        MarketKeyRevokedError: when the key had ended by then.
    """
    if key is not None and key.ended_at is not None and moment >= key.ended_at:
        words = KeyState(key.state).value
        raise MarketKeyRevokedError(f"This key was {words} as of {key.ended_at:%Y-%m-%d %H:%M}. Sign with another one.")


def trust_key(key: PublisherKey) -> None:
    """Let releases of a key pass without a review for the key's sake: somebody looked whose it is.

    Sites that know other keys of the publisher do not believe it for that; their administrators are asked.

    Raises:
        MarketKeyRevokedError: when it was revoked or retired.
    """
    if key.state in _ENDED:
        raise MarketKeyRevokedError(f"This key is {key.get_state_display()}. It never signs again.")
    _say(key, KeyAct.ADD, timezone.now())


def retire_key(key: PublisherKey) -> None:
    """Take no more releases that a key signed; what it signed stays good."""
    _say(key, KeyAct.RETIRE, timezone.now())


def revoke_key(key: PublisherKey, since: datetime | None = None) -> None:
    """Take no more releases that a key signed, and take away what it signed since a moment.

    Args:
        key: which.
        since: when somebody else got it; None for now.
    """
    _say(key, KeyAct.REVOKE, since or timezone.now())


def key_list(publisher: Publisher) -> KeyList:
    """Return the keys of a publisher as its list says."""
    rows = PublisherKeyStatement.objects.using(database()).filter(publisher=publisher).order_by("serial")
    return KeyList(publisher.name).follow_all(KeyStatement.from_dict(row.body) for row in rows)


def take_statement(publisher: Publisher, raw: Mapping[str, Any]) -> KeyList:
    """Take in a statement that a publisher signed, and return the list with it.

    Args:
        publisher: whose tools sent it.
        raw: plain values of a statement.

    Raises:
        KeyStatementError: when it is not signed by a key of the list, does not go on from the last, or speaks of a
            time to come.
        PublisherError: when the key signs for another publisher.
    """
    note_trusted_keys(publisher)
    statement = KeyStatement.from_dict(raw)
    if not statement.signed_by:
        raise KeyStatementError("Sign the statement with a key of the list: manage.py gridkit_keygen --rotate.")
    if statement.moment() > timezone.now() + _CLOCKS_DIFFER:
        raise KeyStatementError(f"{statement.at} is yet to come. Look at the clock of your machine.")
    using = database()
    with transaction.atomic(using):
        row = Publisher.objects.using(using).select_for_update().get(pk=publisher.pk)
        key = _key_for(row, statement)
        return _append(row, key, statement)


def note_trusted_keys(publisher: Publisher | None = None) -> int:
    """Put keys into the lists that were trusted before there were lists; return how many.

    Args:
        publisher: whose; None for all.
    """
    rows = PublisherKey.objects.using(database()).filter(state=KeyState.TRUSTED).select_related("publisher")
    if publisher is not None:
        rows = rows.filter(publisher=publisher)
    listed = PublisherKeyStatement.objects.using(database()).filter(body__act=KeyAct.ADD.value)
    rows = rows.exclude(public_key__in=listed.annotate(told=KT("body__key")).values("told")).order_by("pk")
    return sum(_say(row, KeyAct.ADD, row.first_seen_at) for row in rows)


def _say(key: PublisherKey, act: KeyAct, at: datetime) -> bool:
    """Let the marketplace itself say something of a key; return whether there was something to say."""
    using = database()
    with transaction.atomic(using):
        row = Publisher.objects.using(using).select_for_update().get(pk=key.publisher_id)
        known = key_list(row)
        listed = known.keys.get(key.public_key)
        if listed is None and act != KeyAct.ADD:  # no list tells of it, so there is nothing to take back there
            if key.state == KeyState.REVOKED:
                return False
            _set_key(key, act, at)
            return True
        if listed is not None and (act == KeyAct.ADD or listed.ended in (KeyAct.REVOKE.value, act.value)):
            return False
        _append(row, key, known.next(act, key.public_key, at))
        return True


def _append(publisher: Publisher, key: PublisherKey, statement: KeyStatement) -> KeyList:
    """Add a statement to the list and do what it says, in the transaction that holds the publisher."""
    found = key_list(publisher).follow(statement)
    if found.serial > STATEMENTS_MAX:
        raise KeyStatementError(
            f"The list of @{publisher.name} has {STATEMENTS_MAX} statements, and no place for more."
        )
    rows = PublisherKeyStatement.objects.using(database())
    rows.create(publisher=publisher, serial=statement.serial, body=statement.to_dict())
    _set_key(key, statement.act, statement.moment(), signed_by=statement.signed_by)
    for listing in Listing.objects.using(database()).filter(publisher=publisher, latest__isnull=False):
        touch_listing(listing)
    return found


def _key_for(publisher: Publisher, statement: KeyStatement) -> PublisherKey:
    rows = PublisherKey.objects.using(database())
    found = rows.filter(public_key=statement.key).first()
    if found is None:
        found = PublisherKey(publisher=publisher, public_key=statement.key)
    if found.publisher_id != publisher.pk:
        raise PublisherError("This key signs for another publisher. Make one of your own: manage.py gridkit_keygen.")
    if statement.act == KeyAct.ADD:
        refuse_ended(found, timezone.now())
    return found


def _set_key(key: PublisherKey, act: KeyAct, at: datetime, *, signed_by: str = "") -> None:
    using, before = database(), key.state
    key.state = {
        KeyAct.ADD: KeyState.TRUSTED,
        KeyAct.RETIRE: KeyState.RETIRED,
        KeyAct.REVOKE: KeyState.REVOKED,
    }[act]
    if act == KeyAct.RETIRE:
        key.retired_at = at
    elif act == KeyAct.REVOKE:
        key.revoked_at = at
    key.save(using=using)
    record(
        f"publisher.key.{key.state}",
        target=Target.of_row(PublisherKey, key.pk, str(key)),
        changes={"state": [before, key.state]},
        evidence={"at": at.isoformat(), "signed_by": signed_by or "the marketplace"},
        using=using,
    )
    by = "a key of yours" if signed_by else "the people of the marketplace"
    facts = {"key": author_key_id(key.public_key), "state": key.state, "at": f"{at:%Y-%m-%d %H:%M %Z}", "by": by}
    tell_publisher(key.publisher_id, MailKind.KEY, facts)
    if act == KeyAct.REVOKE:
        _take_away(key, at)


def _take_away(key: PublisherKey, since: datetime) -> None:
    """Quarantine what a key signed since somebody else had it."""
    reason = f"its key was revoked as of {since:%Y-%m-%d %H:%M}"
    rows = Release.objects.using(database()).filter(key=key, created_at__gte=since, state__in=PUBLIC)
    for release in rows:
        move(release, ReleaseState.QUARANTINED, why=reason, held_for=[reason], reviewed=False)
