"""The shape of a marketplace's signed metadata: roles, bins, terms, and the files they are kept in.

Root and targets are signed by people, offline, by a threshold of keys. What is published every day (the bins of files,
snapshot and timestamp) is signed by the online key of the worker that publishes. A bundle for sites without a network
gets a snapshot and a timestamp with longer terms, marked as such; over the network they are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

BITS = 10
BINS = 2**BITS
PREFIX = "bin"
OFFLINE_MARK = "x-gridkit-offline"
OFFLINE_PREFIX = "offline."
ONLINE_ROLES = (Snapshot.type, Timestamp.type)
Part = TypeVar("Part", Root, Timestamp, Snapshot, Targets)
_COMPACT = JSONSerializer(compact=True)


@dataclass(frozen=True, slots=True)
class Terms:
    """For how long each part holds after it was signed.

    Attributes:
        timestamp: how old the whole state may be at most: this is how long a withheld update stays unnoticed.
        snapshot: the list of all parts.
        targets: the delegation to the bins, and each bin.
        root: the keys.
        offline: timestamp and snapshot of a bundle.
    """

    timestamp: timedelta = timedelta(days=1)
    snapshot: timedelta = timedelta(days=7)
    targets: timedelta = timedelta(days=90)
    root: timedelta = timedelta(days=365)
    offline: timedelta = timedelta(days=30)


TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Target:
    """One file that the marketplace stands for.

    Attributes:
        length: in bytes.
        digest: ``sha256:…``.
        custom: plain values that are signed with it, such as plugin id and version.
        content: the file itself, where it is kept beside the metadata; None for wheels, which are served elsewhere.
    """

    length: int
    digest: str
    custom: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)

    def signed(self, name: str) -> TargetFile:
        """Return it in python-tuf's form."""
        hashes = {"sha256": self.digest.removeprefix("sha256:")}
        more = {"custom": dict(self.custom)} if self.custom else None
        return TargetFile(self.length, hashes, name, more)


def bin_of(name: str) -> str:
    """Return the bin that a file belongs to."""
    return _bins([]).get_role_for_target(name)


def bin_names() -> list[str]:
    """Return the names of all bins."""
    return list(_bins([]).get_roles())


def new_targets(online: str, key: Any, version: int, now: datetime, terms: Terms = TERMS) -> Targets:
    """Return top-level targets that delegate everything to the bins.

    Args:
        online: id of the online key.
        key: the online key.
        version: of the metadata.
        now: when it is made.
        terms: for how long it holds.
    """
    delegations = Delegations({online: key}, succinct_roles=_bins([online]))
    return Targets(version, expires=_until(now, terms.targets), delegations=delegations)


def new_bin(version: int, now: datetime, files: Mapping[str, TargetFile], terms: Terms = TERMS) -> Targets:
    """Return a bin with these files."""
    return Targets(version, expires=_until(now, terms.targets), targets=dict(files))


def new_snapshot(version: int, now: datetime, parts: Mapping[str, MetaFile], term: timedelta) -> Snapshot:
    """Return a snapshot of these parts."""
    return Snapshot(version, expires=_until(now, term), meta=dict(parts))


def new_timestamp(version: int, now: datetime, snapshot: MetaFile, term: timedelta, *, offline: bool) -> Timestamp:
    """Return a timestamp for a snapshot; one for bundles carries the mark."""
    more = {OFFLINE_MARK: True} if offline else None
    return Timestamp(version, expires=_until(now, term), snapshot_meta=snapshot, unrecognized_fields=more)


def signed_bytes(part: Part, *signers: CryptoSigner) -> bytes:
    """Sign a part and return its file."""
    metadata: Metadata[Part] = Metadata(part)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes(_COMPACT)


def serialize(metadata: Metadata[Part]) -> bytes:
    """Return the file of metadata that is signed already."""
    return metadata.to_bytes(_COMPACT)


def utc_now() -> datetime:
    """Return the time now, in whole seconds, as metadata has it."""
    return datetime.now(UTC).replace(microsecond=0)


def _until(now: datetime, term: timedelta) -> datetime:
    return (now + term).replace(microsecond=0)


def _bins(keys: list[str]) -> SuccinctRoles:
    return SuccinctRoles(keys, 1, BITS, PREFIX)
