"""A marketplace's signed state in memory, its keys, and a channel to it that can lie."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from securesystemslib.signer import CryptoSigner

from gridkit_django.exceptions import TrustTargetError
from gridkit_django.marketplace.trust.ceremony import Draft, KeyPlan
from gridkit_django.marketplace.trust.fetching import TrustedFetcher
from gridkit_django.marketplace.trust.keys import public_text
from gridkit_django.marketplace.trust.memory import ProcessMemory
from gridkit_django.marketplace.trust.metadata import Target
from gridkit_django.marketplace.trust.repository import TrustRepository

WHEEL = "acme_colours-1.0.0-py3-none-any.whl"
CONTENT = b"a wheel" * 100


class DictStore:
    """Keeps files in memory."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = files or {}

    def read(self, name: str) -> bytes | None:
        """Return a file or None."""
        return self.files.get(name)

    def write(self, name: str, content: bytes) -> None:
        """Keep a file."""
        self.files[name] = content


def target_of(content: bytes, *, kept: bool = False, **custom: object) -> Target:
    """Describe a file."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return Target(len(content), digest, custom, content if kept else None)


@dataclass
class Market:
    """A marketplace: its state, its wheels, its keys, its clock."""

    store: DictStore = field(default_factory=DictStore)
    wheels: dict[str, bytes] = field(default_factory=dict)
    roots: list[CryptoSigner] = field(default_factory=lambda: [CryptoSigner.generate_ed25519() for _ in range(3)])
    targets: list[CryptoSigner] = field(default_factory=lambda: [CryptoSigner.generate_ed25519() for _ in range(2)])
    online: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def repository(self) -> TrustRepository:
        """What signs."""
        return TrustRepository(self.store, lambda: self.online, clock=lambda: self.now)

    @property
    def plan(self) -> KeyPlan:
        """Two of three sign the root, two of two the targets."""
        roots, targets = (tuple(map(public_text, keys)) for keys in (self.roots, self.targets))
        return KeyPlan(roots, 2, targets, 2, public_text(self.online))

    @property
    def root(self) -> bytes:
        """The first root: what a client begins with."""
        return self.store.files["1.root.json"]

    def hold_ceremony(self) -> None:
        """Make the first state."""
        draft = Draft.make(self.plan, now=self.now)
        for signer in (*self.roots[:2], *self.targets):
            draft.sign(signer)
        self.take(draft)

    def take(self, draft: Draft) -> None:
        """Install a draft."""
        self.repository.install(draft.root.to_bytes(), draft.targets.to_bytes())

    def publish(self, name: str = WHEEL, content: bytes = CONTENT, **custom: object) -> None:
        """Publish a wheel."""
        self.wheels[f"files/{hashlib.sha256(content).hexdigest()}/{name}"] = content
        self.repository.publish({name: target_of(content, id="@acme/colours", **custom)})

    def copy(self) -> Market:
        """Return the marketplace as it is now, for another one to go on from."""
        return Market(
            DictStore(dict(self.store.files)), dict(self.wheels), self.roots, self.targets, self.online, self.now
        )


class MarketChannel:
    """Brings a marketplace's files; ``lies`` says what comes instead of some."""

    def __init__(self, market: Market, *, offline: bool = False) -> None:
        self.market = market
        self.offline = offline
        self.server_time: datetime | None = None
        self.lies: dict[str, bytes] = {}
        self.asked: list[str] = []

    def read(self, path: str, most: int) -> Iterator[bytes]:
        """Yield a file."""
        self.asked.append(path)
        found = self.lies.get(path) or self.market.wheels.get(path) or self.market.store.read(path.removeprefix("tuf/"))
        if found is None:
            raise TrustTargetError(f"{path} is not there.")
        yield from (found[at : at + 4096] for at in range(0, min(len(found), most + 1), 4096))


@dataclass
class Site:
    """A client of one marketplace, with its memory."""

    channel: MarketChannel
    root: bytes
    memory: ProcessMemory = field(default_factory=ProcessMemory)
    clock: Callable[[], datetime] | None = None

    @classmethod
    def of(cls, market: Market) -> Site:
        """A client of a marketplace that knows its first root."""
        return cls(MarketChannel(market), market.root)

    def trusting(self) -> TrustedFetcher:
        """Return what believes."""
        more = {} if self.clock is None else {"clock": self.clock}
        return TrustedFetcher(self.channel, self.memory, self.root, **more)

    def fetch(self, name: str = WHEEL) -> bytes:
        """Fetch a file."""
        with self.trusting() as trusted:
            return trusted.fetch(name)

    def refresh(self) -> None:
        """Follow."""
        with self.trusting() as trusted:
            trusted.refresh()


def later(market: Market, **more: float) -> Market:
    """Return a marketplace that goes on from another one, some time later."""
    found = market.copy()
    found.now = copy.copy(market.now) + timedelta(**more)
    return found
