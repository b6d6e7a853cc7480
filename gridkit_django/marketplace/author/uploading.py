"""Uploading a release to a marketplace, and asking how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from gridkit_django.exceptions import PublishRefusedError
from gridkit_django.marketplace.author.asking import ask
from gridkit_django.marketplace.packaging import BuiltPackage
from gridkit_django.marketplace.trust import HttpPlace, public_key_of, sign_release

_RELEASES = "api/v1/releases/"


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """A release as the marketplace sees it.

    Attributes:
        plugin_id: like ``@acme/colours``.
        version: PEP 440.
        state: draft, checking, quarantined, published, yanked or removed.
        facts: the whole answer.
    """

    plugin_id: str
    version: str
    state: str
    facts: Mapping[str, Any]


def upload_release(place: HttpPlace, package: BuiltPackage, private_key: bytes, *, notes: str = "") -> PublishedRelease:
    """Sign a package and upload it.

    Args:
        place: the marketplace, with the publisher's token.
        package: what to publish.
        private_key: the author's, PEM. It never leaves this process.
        notes: what changed, in Markdown.

    Raises:
        SignatureError: when the key is none.
        PublishRefusedError: when the marketplace says no; its text says why.
        TrustUnreachableError: when it does not answer.
    """
    found = package.inspected
    fields = {
        "package": (package.filename, package.content, "application/zip"),
        "signature": sign_release(private_key, found.plugin_id, found.version, found.digest),
        "public_key": public_key_of(private_key),
        "notes": notes,
    }
    return _release(ask(place, "POST", _RELEASES, fields=fields))


def release_state(place: HttpPlace, plugin_id: str, version: str) -> PublishedRelease:
    """Return how far a release is.

    Raises:
        PublishRefusedError: when the marketplace does not know it, or the token may not see it.
        TrustUnreachableError: when it does not answer.
    """
    return _release(ask(place, "GET", f"{_RELEASES}{quote(plugin_id, safe='@/')}/{quote(version)}/"))


def _release(facts: Mapping[str, Any]) -> PublishedRelease:
    try:
        return PublishedRelease(str(facts["id"]), str(facts["version"]), str(facts["state"]), facts)
    except KeyError as error:
        raise PublishRefusedError(f"The marketplace's answer lacks {error}. Is the address right?") from error
