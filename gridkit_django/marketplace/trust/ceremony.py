"""The key ceremony: root and targets are drafted, signed by people one after the other, and taken to the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, Role, Root, Targets, Timestamp

from gridkit_django.exceptions import MarketplaceError
from gridkit_django.marketplace.trust import metadata as shapes
from gridkit_django.marketplace.trust.keys import key_text, public_key
from gridkit_django.marketplace.trust.state import ROOT, TARGETS, parsed

KEYS_MIN = 1


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """Who signs what. Keys are public ones in base64.

    Attributes:
        root: those who sign the root.
        root_threshold: how many of them must.
        targets: those who sign the top-level targets.
        targets_threshold: how many of them must.
        online: the key of the worker that publishes.
    """

    root: tuple[str, ...]
    root_threshold: int
    targets: tuple[str, ...]
    targets_threshold: int
    online: str


@dataclass(frozen=True, slots=True)
class SignatureState:
    """How far a draft is.

    Attributes:
        name: of the file.
        version: of the metadata.
        expires: until when it holds.
        signed: ids of the keys that signed.
        missing: how many more signatures it needs.
    """

    name: str
    version: int
    expires: datetime
    signed: tuple[str, ...]
    missing: int


@dataclass(frozen=True)
class Draft:
    """Root and targets on their way around, in a folder that is carried from one holder of a key to the next.

    Attributes:
        root: the new root.
        targets: the new top-level targets.
        before: the root that is in use, whose keys must agree, too; None at the first ceremony.
    """

    root: Metadata[Root]
    targets: Metadata[Targets]
    before: Metadata[Root] | None = None

    @classmethod
    def make(
        cls,
        plan: KeyPlan,
        *,
        before: bytes | None = None,
        targets_version: int = 0,
        now: datetime | None = None,
        terms: shapes.Terms = shapes.TERMS,
    ) -> Draft:
        """Draft root and targets.

        Args:
            plan: who signs what.
            before: the root file in use; None at the first ceremony.
            targets_version: the version of the targets in use.
            now: when it is made.
            terms: for how long they hold.

        Raises:
            MarketplaceError: when a threshold can't be met.
            SignatureError: when a key is none.
        """
        now = now or shapes.utc_now()
        old = None if before is None else parsed(before, Root)
        version = 1 if old is None else old.signed.version + 1
        online = public_key(plan.online)
        root = Root(version, expires=now + terms.root, consistent_snapshot=True)
        _assign(root, Root.type, plan.root, plan.root_threshold)
        _assign(root, Targets.type, plan.targets, plan.targets_threshold)
        for role in shapes.ONLINE_ROLES:
            root.roles[role] = Role([], 1)
            root.add_key(online, role)
        targets = shapes.new_targets(online.keyid, online, targets_version + 1, now, terms)
        return cls(Metadata(root), Metadata(targets), old)

    @classmethod
    def read(cls, folder: Path) -> Draft:
        """Read a draft from its folder.

        Raises:
            MarketplaceError: when it is missing or broken.
        """
        before = folder / f"before.{ROOT}"
        return cls(
            parsed(_read(folder / ROOT), Root),
            parsed(_read(folder / TARGETS), Targets),
            parsed(_read(before), Root) if before.exists() else None,
        )

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ROOT).write_bytes(shapes.serialize(self.root))
        (folder / TARGETS).write_bytes(shapes.serialize(self.targets))
        if self.before is not None:
            (folder / f"before.{ROOT}").write_bytes(shapes.serialize(self.before))

    def sign(self, signer: CryptoSigner) -> tuple[str, ...]:
        """Sign what a key stands for; return the names of the files.

        Raises:
            MarketplaceError: when the key stands for nothing here.
        """
        key: SSlibKey = signer.public_key
        done = []
        roots = [self.root.signed, *([self.before.signed] if self.before else [])]
        if any(key.keyid in root.roles[Root.type].keyids for root in roots):
            self.root.sign(signer, append=True)
            done.append(ROOT)
        if key.keyid in self.root.signed.roles[Targets.type].keyids:
            self.targets.sign(signer, append=True)
            done.append(TARGETS)
        if not done:
            raise MarketplaceError("This key is neither one of the root's nor one of the targets'.")
        return tuple(done)

    def states(self) -> tuple[SignatureState, SignatureState]:
        """Return how far root and targets are."""
        root, targets = self.root, self.targets
        results = [root.signed.get_verification_result(Root.type, root.signed_bytes, root.signatures)]
        if self.before is not None:
            results.append(self.before.signed.get_verification_result(Root.type, root.signed_bytes, root.signatures))
        of_targets = root.signed.get_verification_result(Targets.type, targets.signed_bytes, targets.signatures)
        return (
            _state(ROOT, root, max(result.missing for result in results)),
            _state(TARGETS, targets, of_targets.missing),
        )


def plan_of(root: bytes, /, **changes: object) -> KeyPlan:
    """Return who signs what by a root file, with some of it changed: the beginning of a rotation.

    Raises:
        MarketplaceError: when it is no root.
    """
    found = parsed(root, Root).signed

    def texts(role: str) -> tuple[str, ...]:
        return tuple(key_text(found.keys[keyid]) for keyid in found.roles[role].keyids)

    plan = KeyPlan(
        root=texts(Root.type),
        root_threshold=found.roles[Root.type].threshold,
        targets=texts(Targets.type),
        targets_threshold=found.roles[Targets.type].threshold,
        online=texts(Timestamp.type)[0],
    )
    return replace(plan, **changes)  # type: ignore[arg-type] # a change has the type of its field


def _assign(root: Root, role: str, keys: Sequence[str], threshold: int) -> None:
    if not KEYS_MIN <= threshold <= len(set(keys)):
        raise MarketplaceError(f"The {role} can't have a threshold of {threshold} with {len(set(keys))} keys.")
    root.roles[role] = Role([], threshold)
    for text in dict.fromkeys(keys):
        root.add_key(public_key(text), role)


def _state(name: str, part: Metadata[Root] | Metadata[Targets], missing: int) -> SignatureState:
    signed = tuple(sorted(keyid for keyid, mark in part.signatures.items() if mark.signature))
    return SignatureState(name, part.signed.version, part.signed.expires, signed, missing)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MarketplaceError(f"{path} can't be read: {error.strerror}. Make a draft first.") from error
