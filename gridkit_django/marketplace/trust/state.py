"""One act on the signed state of a marketplace: what is there is read once, what is touched is signed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from gridkit_django.exceptions import MarketplaceError
from gridkit_django.marketplace.trust import metadata as shapes
from gridkit_django.marketplace.trust.stores import MetadataStore

TIMESTAMP = "timestamp.json"
ROOT = "root.json"
TARGETS = "targets.json"
_RENEW_AT = 2
"""A part is signed anew when this part of its term is over: the half."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody signs.

    Attributes:
        store: where the files are.
        key: returns what signs with the online key; asked only when something is signed.
        terms: for how long each part holds.
        clock: tells the time.
    """

    store: MetadataStore
    key: Callable[[], CryptoSigner]
    terms: shapes.Terms
    clock: Callable[[], datetime]

    def load(self, name: str, kind: type[shapes.Part]) -> shapes.Part:
        """Return a part of the state.

        Raises:
            MarketplaceError: when it is missing or broken.
        """
        raw = self.store.read(name)
        if raw is None:
            raise MarketplaceError(
                f"The marketplace's signed metadata lacks {name}. Hold the key ceremony first: manage.py "
                "gridkit_market_keys."
            )
        return parsed(raw, kind).signed

    def is_old(self, part: Targets | Timestamp, term: timedelta) -> bool:
        """Whether a part is over half of its term."""
        return part.expires - self.clock() < term / _RENEW_AT


class SignedState:
    """The newest state, and a change of it.

    Args:
        desk: where it is kept and signed.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._bins: dict[str, Targets] = {}
        self._touched: set[str] = set()

    @classmethod
    def first(cls, desk: Desk) -> Self:
        """Return the change that begins everything: all bins are new and empty."""
        state, now = cls(desk), desk.clock()
        state.timestamp = Timestamp(1, snapshot_meta=MetaFile(1))
        state.timestamp.version = 0
        state.parts = {}
        for name in shapes.bin_names():
            state._bins[name] = shapes.new_bin(1, now, {})
            state._bins[name].version = 0
            state._touched.add(name)
        return state

    @cached_property
    def timestamp(self) -> Timestamp:
        """The newest timestamp."""
        return self._desk.load(TIMESTAMP, Timestamp)

    @cached_property
    def parts(self) -> dict[str, MetaFile]:
        """What the newest snapshot lists."""
        return self._desk.load(f"{self.timestamp.snapshot_meta.version}.snapshot.json", Snapshot).meta

    @cached_property
    def top(self) -> Targets:
        """The newest top-level targets."""
        return self._desk.load(f"{self.parts[TARGETS].version}.{TARGETS}", Targets)

    def bin(self, name: str, *, touch: bool = False) -> Targets:
        """Return a bin; one that is touched is signed anew."""
        if touch:
            self._touched.add(name)
        if name not in self._bins:
            self._bins[name] = self._desk.load(f"{self.parts[f'{name}.json'].version}.{name}.json", Targets)
        return self._bins[name]

    def write(self) -> int:
        """Sign what was touched, then a snapshot, then the timestamp; return its version."""
        key, now, terms = self._desk.key(), self._desk.clock(), self._desk.terms
        for name in sorted(self._touched):
            part = shapes.new_bin(self._bins[name].version + 1, now, self._bins[name].targets, terms)
            self._desk.store.write(f"{part.version}.{name}.json", shapes.signed_bytes(part, key))
            self.parts[f"{name}.json"] = MetaFile(part.version)
        version = self.timestamp.version + 1
        offline = (shapes.OFFLINE_PREFIX, terms.offline, terms.offline)
        for prefix, snapshot_term, term in (offline, ("", terms.snapshot, terms.timestamp)):
            snapshot = shapes.signed_bytes(shapes.new_snapshot(version, now, self.parts, snapshot_term), key)
            described = MetaFile.from_data(version, snapshot, ["sha256"])
            timestamp = shapes.new_timestamp(version, now, described, term, offline=bool(prefix))
            self._desk.store.write(f"{prefix}{version}.snapshot.json", snapshot)
            self._desk.store.write(f"{prefix}{TIMESTAMP}", shapes.signed_bytes(timestamp, key))
        return version


def parsed(raw: bytes, kind: type[shapes.Part]) -> Metadata[shapes.Part]:
    """Return a part of the signed state.

    Raises:
        MarketplaceError: when it is none, or of another kind.
    """
    try:
        found: Metadata[shapes.Part] = Metadata.from_bytes(raw)
    except (RepositoryError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MarketplaceError(f"This is no signed metadata: {type(error).__name__}: {error}.") from error
    if not isinstance(found.signed, kind):
        raise MarketplaceError(f"Expected signed metadata of the kind {kind.type}, found {found.signed.type}.")
    return found


def verify_part(delegator: Root | Targets, role: str, part: Metadata[shapes.Part]) -> None:
    """Refuse a part that is not signed by enough of the keys that its delegator names.

    Raises:
        MarketplaceError: says how many are missing.
    """
    result = delegator.get_verification_result(role, part.signed_bytes, part.signatures)
    if not result:
        raise MarketplaceError(f"The {role} is not signed by enough keys: {result.missing} more must sign.")
