"""Bundles: one file with signed metadata and packages, for sites without a network.

Nothing in a bundle is believed because it is there: the site asks the same questions as over the network. Its
timestamp and snapshot hold for longer, and are signed for bundles only.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gridkit_django.exceptions import TrustTargetError
from gridkit_django.marketplace.trust.advisories import FEED_NAME
from gridkit_django.marketplace.trust.channels import Channel, RecordingChannel
from gridkit_django.marketplace.trust.fetching import BASE, TrustedFetcher, TrustedTarget
from gridkit_django.marketplace.trust.memory import ProcessMemory
from gridkit_django.marketplace.trust.metadata import OFFLINE_PREFIX
from gridkit_django.marketplace.trust.state import ROOT, TIMESTAMP

LISTINGS = "api/v1/plugins/"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ROOT_BYTES_MAX = 512_000
_LISTING_BYTES_MAX = 2 * 1024 * 1024
_ROOTS_MAX = 256


@dataclass(frozen=True)
class Bundle:
    """A bundle that was made.

    Attributes:
        content: the archive.
        targets: the files that it brings, with what is signed about them.
    """

    content: bytes
    targets: tuple[TrustedTarget, ...]


def make_bundle(channel: Channel, root: bytes, names: Iterable[str], *, listings: Sequence[str] = ()) -> Bundle:
    """Gather a bundle from a marketplace over the network. Each file is verified on the way.

    Args:
        channel: to the marketplace.
        root: the root file that the connected site begins with.
        names: of the files, such as those of wheels; the feed of advisories comes along.
        listings: ids of plugins whose listing comes along, for the catalogue of the other site.

    Raises:
        TrustError: see ``TrustedFetcher``.
    """
    recorder = RecordingChannel(channel, _offline_name, offline=True)
    with TrustedFetcher(recorder, ProcessMemory(), root) as trusted:
        trusted.refresh()
        targets = [_gathered(trusted, name) for name in dict.fromkeys(names)]
        with suppress(TrustTargetError):  # a marketplace without advisories has no feed, and its metadata says so
            targets.append(_gathered(trusted, FEED_NAME))
    files = dict(recorder.files) | _roots(channel)
    for plugin_id in listings:
        path = f"{LISTINGS}{plugin_id}/"
        files[path] = b"".join(channel.read(path, _LISTING_BYTES_MAX))
    return Bundle(_zipped(files), tuple(targets))


def _gathered(trusted: TrustedFetcher, name: str) -> TrustedTarget:
    found = trusted.find(name)
    trusted.fetch(name)
    return found


def _offline_name(path: str) -> str:
    """Return what to ask for: timestamp and snapshot have forms of their own for bundles."""
    name = path.removeprefix(BASE)
    if name == TIMESTAMP or name.endswith(".snapshot.json"):
        return f"{BASE}{OFFLINE_PREFIX}{name}"
    return path


def _roots(channel: Channel) -> dict[str, bytes]:
    """Return all root files, so that a site which knows an old one finds its way to the newest."""
    found: dict[str, bytes] = {}
    for version in range(1, _ROOTS_MAX):
        path = f"{BASE}{version}.{ROOT}"
        try:
            found[path] = b"".join(channel.read(path, _ROOT_BYTES_MAX))
        except TrustTargetError:
            break
    return found


def _zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
