"""Whose key signed a release: this site remembers the list of each publisher's keys, and follows it only forward."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import router
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    KeyStatementError,
    PublisherKeyRevokedError,
    PublisherKeysReplacedError,
    PublisherUntrustedError,
    SignatureError,
)
from gridkit_django.marketplace.client.remotes import Remote
from gridkit_django.marketplace.client.wire import RemoteListing, RemoteRelease
from gridkit_django.marketplace.trust import author_key_id
from gridkit_django.marketplace.trust.keylist import KeyAct, KeyList, KeyStatement
from gridkit_django.models import InstalledPlugin, TrustedKeyList
from gridkit_django.plugins.savepoints import database


def check_key(remote: Remote, listing: RemoteListing, release: RemoteRelease, known_key: str) -> bool:
    """Refuse a key that does not sign for the publisher, and remember how far the list was followed.

    The first list of a publisher is believed, unless the site knows a key of theirs already: then what the
    marketplace alone brings beside it is not. ``MARKETPLACE_TRUSTED`` with the id of a key overrules all but its end.

    Args:
        remote: where the release comes from.
        listing: the plugin.
        release: the release; its signature was verified.
        known_key: public key of the version in use; empty for none.

    Returns:
        Whether there is a list, and the key is on it.

    Raises:
        PublisherKeyRevokedError: when the key was revoked or retired before the release came in.
        PublisherKeysReplacedError: when the list does not go on from the one that was followed, or the key was brought
            by the marketplace alone.
    """
    publisher, found = _publisher(listing), _judged(remote, listing, release, known_key)
    if found is None:
        return False
    TrustedKeyList.objects.using(_database()).update_or_create(
        marketplace=remote.alias,
        publisher=publisher,
        defaults={"content": found.to_dict(), "seen_at": timezone.now()},
    )
    return True


def reason_against_key(remote: Remote, listing: RemoteListing, release: RemoteRelease, known_key: str) -> str:
    """Return why ``check_key`` would refuse a release, by what is listed; empty when it would not. Changes nothing.

    Args:
        remote: see ``check_key``.
        listing: see there.
        release: its signature is not looked at.
        known_key: see there.
    """
    if not release.public_key:
        return ""
    try:
        _judged(remote, listing, release, known_key)
    except (PublisherUntrustedError, SignatureError) as error:
        return error.detail.rstrip(".")
    return ""


def known_key_of(plugin_id: str) -> str:
    """Return the public key that signed the version of a plugin in use; empty for none."""
    rows = InstalledPlugin.objects.using(database()).filter(plugin_id=plugin_id)
    origin = rows.values_list("current_version__origin", flat=True).first() or {}
    return str(origin.get("public_key", ""))


def _publisher(listing: RemoteListing) -> str:
    return listing.id.partition("/")[0].removeprefix("@")


def _judged(remote: Remote, listing: RemoteListing, release: RemoteRelease, known_key: str) -> KeyList | None:
    """Return the list of keys after the key of a release was found on it; None when there is no list."""
    publisher = _publisher(listing)
    accepted = author_key_id(release.public_key) in settings().MARKETPLACE_TRUSTED
    row = TrustedKeyList.objects.using(_database()).filter(marketplace=remote.alias, publisher=publisher).first()
    if row is None and not listing.publisher_keys:
        return None
    known = KeyList(publisher) if row is None else KeyList.from_dict(row.content)
    statements = _statements(listing, publisher)
    try:
        found = _followed(known, statements, known_key)
    except PublisherKeysReplacedError:
        if not accepted:
            raise
        found = _followed(KeyList(publisher), statements, known_key)
    _refuse(found, release, publisher, accepted=accepted)
    return found


def _statements(listing: RemoteListing, publisher: str) -> list[KeyStatement]:
    try:
        return [KeyStatement.from_dict(raw) for raw in listing.publisher_keys]
    except KeyStatementError as error:
        raise PublisherKeysReplacedError(f"The list of the keys of @{publisher} is broken: {error.detail}") from error


def _followed(known: KeyList, statements: Sequence[KeyStatement], known_key: str) -> KeyList:
    """Return the list, from where it was followed before to its end."""
    name, seen = known.publisher, known.serial
    if seen and (len(statements) < seen or statements[seen - 1].digest() != known.head):
        raise PublisherKeysReplacedError(
            f"The marketplace shows another list of the keys of @{name} than the one that this site has followed to "
            f"statement {seen}. Somebody replaced it. Ask the publisher by another way; when a key is theirs, add its "
            "id to MARKETPLACE_TRUSTED."
        )
    believe = () if seen else (known_key,) if known_key else None
    try:
        return known.follow_all(statements[seen:], believe=believe)
    except KeyStatementError as error:
        raise PublisherKeysReplacedError(
            f"The list of the keys of @{name} can't be followed: {error.detail}"
        ) from error


def _refuse(found: KeyList, release: RemoteRelease, publisher: str, *, accepted: bool) -> None:
    listed = found.keys.get(release.public_key)
    if listed is not None and not listed.covers(release.uploaded_at):
        words = "revoked" if listed.ended == KeyAct.REVOKE.value else "retired"
        raise PublisherKeyRevokedError(
            f"The key that signed version {release.version} was {words} by @{publisher} as of {listed.ended_at[:16]}, "
            "before the release came in. It was not installed."
        )
    if not accepted and (listed is None or not listed.proved):
        why = "is not on the list of their keys" if listed is None else "was brought by the marketplace alone"
        raise PublisherKeysReplacedError(
            f"Version {release.version} of a plugin of @{publisher} is signed by another key than those that this site "
            f"knows: it {why}. Ask the publisher by another way; when the key is theirs, add "
            f"{author_key_id(release.public_key)!r} to MARKETPLACE_TRUSTED."
        )


def _database() -> str:
    return router.db_for_write(TrustedKeyList)
