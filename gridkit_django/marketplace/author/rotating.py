"""Bringing a new key: a statement that the old one signs, and one that ends the old."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from gridkit_django.exceptions import PublishRefusedError
from gridkit_django.marketplace.author.asking import ask
from gridkit_django.marketplace.trust import HttpPlace, public_key_of
from gridkit_django.marketplace.trust.keylist import KeyAct, KeyList, KeyStatement


def rotate_key(
    place: HttpPlace,
    publisher: str,
    old: bytes,
    new: bytes,
    *,
    keep: bool = False,
    stolen_since: datetime | None = None,
) -> KeyList:
    """Let a new key sign for a publisher, and the old one no longer.

    Args:
        place: the marketplace, with a token that has the scope ``keys``.
        publisher: whose, without the ``@``.
        old: the private key that signs now, PEM.
        new: the private key that signs from now on, PEM.
        keep: let the old one sign on, too.
        stolen_since: when somebody else got the old one: it is revoked as of then. None: it is retired.

    Returns:
        The list as it is now.

    Raises:
        SignatureError: when a key is none.
        KeyStatementError: when the old key is not on the list, or signs no longer.
        PublishRefusedError: when the marketplace says no.
        TrustUnreachableError: when it does not answer.
    """
    address = f"api/v1/publishers/{quote(publisher, safe='')}/keys/"
    known = _read(publisher, ask(place, "GET", address))
    added = known.next(KeyAct.ADD, public_key_of(new), datetime.now(UTC)).signed(old)
    known = known.follow(added)
    ask(place, "POST", address, body=added.to_dict())
    if keep and stolen_since is None:
        return known
    act = KeyAct.RETIRE if stolen_since is None else KeyAct.REVOKE
    ended = known.next(act, public_key_of(old), stolen_since or datetime.now(UTC)).signed(new)
    known = known.follow(ended)
    ask(place, "POST", address, body=ended.to_dict())
    return known


def _read(publisher: str, answer: Mapping[str, Any]) -> KeyList:
    """Return the list, followed from its beginning: nothing is signed on top of a list that is broken."""
    raw = answer.get("statements")
    if not isinstance(raw, list) or not all(isinstance(item, dict) for item in raw):
        raise PublishRefusedError("The marketplace's answer is no list of keys. Is it older than this command?")
    return KeyList(publisher).follow_all(KeyStatement.from_dict(item) for item in raw)
