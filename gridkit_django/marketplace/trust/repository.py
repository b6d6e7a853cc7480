"""The signed state of this site's own marketplace: which files it stands for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Self

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Targets, Timestamp

from gridkit_django.conf import settings
from gridkit_django.exceptions import MarketplaceError
from gridkit_django.marketplace.trust import metadata as shapes
from gridkit_django.marketplace.trust.keys import read_signer
from gridkit_django.marketplace.trust.state import ROOT, TARGETS, TIMESTAMP, Desk, SignedState, parsed, verify_part
from gridkit_django.marketplace.trust.stores import MetadataStore, is_plain_name, store_at
from gridkit_django.marketplace.trust.turns import signing_turn

_HOURS = 24


class TrustRepository:
    """Signs which files the marketplace stands for, one act after the other.

    A crash in the middle leaves the old state: the timestamp is written last, and everything else under a new name.

    Args:
        store: where the files are.
        key: returns what signs with the online key; asked only when something is signed.
        turn: entered around each act, so that two workers do not sign at once.
        terms: for how long each part holds.
        clock: tells the time.
    """

    def __init__(
        self,
        store: MetadataStore,
        key: Callable[[], CryptoSigner],
        *,
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
        terms: shapes.Terms = shapes.TERMS,
        clock: Callable[[], datetime] = shapes.utc_now,
    ) -> None:
        self._store = store
        self._turn = turn
        self._desk = Desk(store, key, terms, clock)

    @classmethod
    def of_site(cls) -> Self:
        """Return the repository of the settings.

        Raises:
            MarketplaceError: when this site serves no marketplace.
        """
        place, key = settings().MARKET_TRUST_STORE, settings().MARKET_TRUST_KEY
        if not place:
            raise MarketplaceError("This site serves no marketplace: set GRIDKIT's MARKET_TRUST_STORE.")
        return cls(store_at(place), lambda: read_signer(key or "MARKET_TRUST_KEY (not set)"), turn=signing_turn)

    def read(self, name: str) -> bytes | None:
        """Return a file that clients ask for under ``tuf/``, or None when there is none."""
        return self._store.read(name)

    def stands(self) -> bool:
        """Whether there is a signed state, so that clients can believe this marketplace."""
        return self.read(TIMESTAMP) is not None

    def target(self, name: str) -> shapes.Target | None:
        """Return what is signed about a file, or None."""
        if not self.stands():
            return None
        found = SignedState(self._desk).bin(shapes.bin_of(name)).targets.get(name)
        if found is None:
            return None
        return shapes.Target(found.length, f"sha256:{found.hashes['sha256']}", found.custom or {})

    def install(self, root: bytes, targets: bytes) -> int:
        """Take what the key ceremony made: root and top-level targets, signed by their thresholds of keys.

        Args:
            root: the root file; version 1, or the one after the newest, or the newest again.
            targets: the targets file.

        Returns:
            the version of the timestamp.

        Raises:
            MarketplaceError: when they are not signed by enough keys, or not of the right version.
            SignatureError: when the online key can't be read.
        """
        with self._turn():
            new, top = parsed(root, Root), parsed(targets, Targets)
            self._check_root(new)
            verify_part(new.signed, Targets.type, top)
            state = SignedState(self._desk) if self.stands() else SignedState.first(self._desk)
            if self.stands() and top.signed.version < state.parts[TARGETS].version:
                raise MarketplaceError(f"The targets have version {top.signed.version}; newer ones are in use.")
            self._store.write(f"{new.signed.version}.{ROOT}", root)
            self._store.write(f"{top.signed.version}.{TARGETS}", targets)
            self._store.write(ROOT, root)
            state.parts[TARGETS] = MetaFile(top.signed.version)
            for name in shapes.bin_names():
                state.bin(name, touch=True)
            return state.write()

    def publish(self, targets: Mapping[str, shapes.Target], *, remove: Iterable[str] = ()) -> int:
        """Stand for some files from now on, and no longer for others. Names are flat; a wheel's is its file's name.

        Returns:
            the version of the timestamp.

        Raises:
            MarketplaceError: for a name that is none, or when there was no key ceremony yet.
            SignatureError: when the online key can't be read.
        """
        for name in targets:
            if not is_plain_name(name):
                raise MarketplaceError(f"{name!r} is no name of a file.")
        with self._turn():
            state = SignedState(self._desk)
            for name, target in targets.items():
                if target.content is not None:
                    self._keep(name, target, target.content)
                state.bin(shapes.bin_of(name), touch=True).targets[name] = target.signed(name)
            for name in remove:
                state.bin(shapes.bin_of(name), touch=True).targets.pop(name, None)
            return state.write()

    def remove(self, names: Iterable[str]) -> int:
        """Stand no longer for some files; see ``publish``."""
        return self.publish({}, remove=names)

    def refresh(self) -> bool:
        """Sign anew what is over half of its term; whether there was anything. Call it every hour.

        Each call looks at a part of the bins, so that all were looked at in a day.

        Raises:
            MarketplaceError: when there was no key ceremony yet.
            SignatureError: when the online key can't be read.
        """
        with self._turn():
            state, terms = SignedState(self._desk), self._desk.terms
            names = shapes.bin_names()[self._desk.clock().hour :: _HOURS]
            old = [name for name in names if self._desk.is_old(state.bin(name), terms.targets)]
            for name in old:
                state.bin(name, touch=True)
            due = bool(old) or self._desk.is_old(state.timestamp, terms.timestamp)
            return due and bool(state.write())

    def expires(self) -> dict[str, datetime]:
        """Return until when root, targets and timestamp hold, for an administrator; empty when there are none."""
        if not self.stands():
            return {}
        state = SignedState(self._desk)
        root = self._desk.load(ROOT, Root)
        return {Root.type: root.expires, Targets.type: state.top.expires, Timestamp.type: state.timestamp.expires}

    def offline_parts(self) -> dict[str, bytes]:
        """Return root and targets that are in use, for the ceremony that replaces them.

        Raises:
            MarketplaceError: when there was no key ceremony yet.
        """
        state = SignedState(self._desk)
        names = {ROOT: ROOT, TARGETS: f"{state.parts[TARGETS].version}.{TARGETS}"}
        return {name: self._store.read(kept) or b"" for name, kept in names.items()}

    def _check_root(self, new: Metadata[Root]) -> None:
        verify_part(new.signed, Root.type, new)
        if self._desk.key().public_key.keyid not in new.signed.roles[Timestamp.type].keyids:
            raise MarketplaceError("The root does not name this site's online key (MARKET_TRUST_KEY).")
        raw = self._store.read(ROOT)
        old = None if raw is None else parsed(raw, Root)
        if old is not None and old.signed_bytes == new.signed_bytes:
            return
        expected = 1
        if old is not None:
            verify_part(old.signed, Root.type, new)
            expected = old.signed.version + 1
        if new.signed.version != expected:
            raise MarketplaceError(f"The root has version {new.signed.version}; the next one is {expected}.")

    def _keep(self, name: str, target: shapes.Target, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        if (f"sha256:{digest}", len(content)) != (target.digest, target.length):
            raise MarketplaceError(f"{name!r} has another digest or length than was said.")
        self._store.write(f"{digest}.{name}", content)
