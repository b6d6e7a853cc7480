"""Whose plugins this site lets in: nobody's by default, because they run inside its own processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    MarketplaceOfflineError,
    PublisherUntrustedError,
    SettingsError,
    SignatureError,
    TrustDigestError,
    TrustLengthError,
)
from gridkit_django.marketplace import trust
from gridkit_django.marketplace.client.publisher_keys import check_key
from gridkit_django.marketplace.client.remotes import Remote
from gridkit_django.marketplace.client.signed_times import as_signed
from gridkit_django.marketplace.client.wire import RemoteListing, RemoteRelease
from gridkit_django.marketplace.trust import BundleChannel, DatabaseMemory, HttpChannel, author_key_id, verify_release
from gridkit_django.plugins.permission_texts import permission_text


def fetch_package(remote: Remote, release: RemoteRelease) -> tuple[bytes, RemoteRelease]:
    """Return the wheel of a release: exactly the file whose digest was listed and, where there is a root, signed.

    Beside it is the release as it can be believed: where there is a root, with the times that are signed.

    Raises:
        MarketplaceOfflineError: when this site asks nobody.
        TrustError: when what comes is another file, or is not what the marketplace's keys stand for.
        SettingsError: when the root file can't be read.
    """
    _check_online(remote)
    believed = release
    if remote.root:
        with trusted_fetcher(remote) as trusted:
            content = trusted.fetch(release.filename)
            believed = as_signed(release, trusted.find(release.filename))
    else:
        channel = HttpChannel(remote.place())
        try:
            content = b"".join(channel.read(release.url, release.size))
        finally:
            channel.close()
    if len(content) != release.size:
        raise TrustLengthError(
            f"{release.filename} has {len(content)} bytes; {release.size} were listed. {trust.NOT_USED}"
        )
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != release.digest:
        raise TrustDigestError(f"{release.filename} is not the file that was listed. {trust.NOT_USED}")
    return content, believed


def believe(remote: Remote, release: RemoteRelease) -> RemoteRelease:
    """Return a release whose wheel is here already, as it can be believed; see ``fetch_package``.

    Raises:
        MarketplaceOfflineError: when this site asks nobody.
        TrustError: when the marketplace can't be believed.
        SettingsError: when the root file can't be read.
    """
    if not remote.root:
        return release
    _check_online(remote)
    with trusted_fetcher(remote) as trusted:
        return as_signed(release, trusted.find(release.filename))


@contextmanager
def trusted_fetcher(remote: Remote) -> Iterator[trust.TrustedFetcher]:
    """Ask a marketplace, or its bundle, and believe only what its keys stand for.

    Raises:
        SettingsError: when the root file can't be read.
        TrustError: when what comes can't be believed.
    """
    if remote.bundle:
        with trust.TrustedFetcher(bundle_of(remote), DatabaseMemory(remote.alias), _root(remote)) as trusted:
            yield trusted
        return
    channel = HttpChannel(remote.place())
    try:
        with trust.TrustedFetcher(channel, DatabaseMemory(remote.alias), _root(remote)) as trusted:
            yield trusted
    finally:
        channel.close()


def bundle_of(remote: Remote) -> BundleChannel:
    """Return the bundle that stands for a marketplace."""
    return BundleChannel(Path(remote.bundle))


def reason_to_refuse(remote: Remote, listing: RemoteListing, release: RemoteRelease) -> str:
    """Return why the site does not trust whoever made a release; empty when it does."""
    given = settings()
    if given.MARKETPLACE_ALLOW_UNTRUSTED:
        return ""
    if not remote.root:
        return f"the marketplace {remote.alias!r} has no root file in the settings, so nothing of it can be believed"
    publisher = listing.id.partition("/")[0]
    if publisher in given.MARKETPLACE_TRUSTED or _key_id(release) in given.MARKETPLACE_TRUSTED:
        return ""
    return f"this site does not trust {publisher} (MARKETPLACE_TRUSTED)"


def check_author(remote: Remote, listing: RemoteListing, release: RemoteRelease, known_key: str) -> str:
    """Refuse a release that its author did not sign, or whose author the site does not trust.

    Args:
        remote: where it comes from.
        listing: the plugin.
        release: the release.
        known_key: public key of the version in use; empty for none.

    Returns:
        The id of the author's key; empty when the release is not signed, where that is allowed.

    Raises:
        SignatureError: when the signature is of another key or another release, or there is none.
        PublisherUntrustedError: when the site does not trust the publisher, or the key is another than before; see
            ``check_key``.
    """
    reason = reason_to_refuse(remote, listing, release)
    if reason:
        raise PublisherUntrustedError(f"{listing.id} is not installed: {reason}.")
    if not release.signature:
        if settings().MARKETPLACE_ALLOW_UNTRUSTED and not known_key:
            return ""
        raise SignatureError(f"{listing.id} {release.version} is not signed by its author.")
    verify_release(release.public_key, listing.id, release.version, release.digest, release.signature)
    if check_key(remote, listing, release, known_key):
        return _key_id(release)
    if known_key not in ("", release.public_key) and _key_id(release) not in settings().MARKETPLACE_TRUSTED:
        raise PublisherUntrustedError(
            f"{listing.id} {release.version} is signed by another key than the version in use. Ask the publisher; when "
            f"the key is theirs, add {_key_id(release)!r} to MARKETPLACE_TRUSTED."
        )
    return _key_id(release)


def what_it_may_do(name: str, permissions: Iterable[str]) -> str:
    """Return in plain words what an installed plugin will be able to do."""
    acts = [permission_text(item) for item in permissions]
    asked = f"asks to {'; to '.join(acts)}" if acts else "asks for no permissions"
    return (
        f"{name} {asked}. It runs inside the site's own processes, so whoever wrote it could read and change "
        "everything that this site can, whatever is granted."
    )


def _check_online(remote: Remote) -> None:
    if settings().MARKETPLACE_OFFLINE and not remote.bundle:
        raise MarketplaceOfflineError("This site asks no marketplace for anything (MARKETPLACE_OFFLINE).")


def _key_id(release: RemoteRelease) -> str:
    try:
        return author_key_id(release.public_key) if release.public_key else ""
    except SignatureError:
        return ""


def _root(remote: Remote) -> bytes:
    try:
        return Path(remote.root).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"The root file of the marketplace {remote.alias!r} ({remote.root}) can't be read: {error.strerror}."
        ) from error
