"""Publishers and the keys that sign for them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import PublisherError
from gridkit_django.marketplace.shelf.database import database
from gridkit_django.marketplace.shelf.names import check_publisher_name, fold
from gridkit_django.models import KeyState, Publisher, PublisherKey


def make_publisher(name: str, display_name: str = "", *, email: str = "") -> Publisher:
    """Make a publisher, who may then have tokens.

    Args:
        name: without the ``@``.
        display_name: for people; the name when empty.
        email: contact.

    Raises:
        NameTakenError: when the name is taken, looks like one that is, or can't be given.
    """
    check_publisher_name(name)
    using = database()
    with transaction.atomic(using):
        made = Publisher.objects.using(using).create(
            name=name, folded=fold(name), display_name=display_name or name, email=email
        )
        record("publisher.create", target=Target.of_row(Publisher, made.pk, name), using=using)
    return made


def key_of(publisher: Publisher, public_key: str) -> PublisherKey:
    """Return a publisher's key; one that was never seen is noted as new, and its releases wait for review.

    Raises:
        PublisherError: when the key was revoked, or signs for another publisher.
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
    if key.state == KeyState.REVOKED:
        raise PublisherError("This key was revoked. Sign with another one.")
    return key


def trust_key(key: PublisherKey) -> None:
    """Let releases of a key pass without a review for the key's sake."""
    _set_key(key, KeyState.TRUSTED)


def revoke_key(key: PublisherKey) -> None:
    """Take no more releases that a key signed; what was published stays."""
    _set_key(key, KeyState.REVOKED)


def _set_key(key: PublisherKey, state: KeyState) -> None:
    if key.state == state:
        return
    using, before = database(), key.state
    with transaction.atomic(using):
        key.state = state
        key.revoked_at = timezone.now() if state == KeyState.REVOKED else None
        key.save(using=using, update_fields=["state", "revoked_at"])
        record(
            f"publisher.key.{state.value}",
            target=Target.of_row(PublisherKey, key.pk, str(key)),
            changes={"state": [before, state.value]},
            using=using,
        )
