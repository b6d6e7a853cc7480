"""The chain of seals: numbers, links, counts and signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridkit_django.audit.merkle import MARK_BYTES
from gridkit_django.audit.runs import size
from gridkit_django.audit.sealing.statement import digest_of, signed_bytes, statement_of
from gridkit_django.audit.signing import HMAC, SignatureCheck, TrustedKeys, check_signature, key_id_of
from gridkit_django.audit.verify.faults import FaultKind, Verification
from gridkit_django.models import AuditSeal, AuditSigningKey


@dataclass
class Link:
    """What the chain says up to a seal.

    Attributes:
        number: of the seal; 0 before the first.
        digest: its digest, None before the first.
        total: records up to it.
    """

    number: int = 0
    digest: bytes | None = None
    total: int = 0


class ChainCheck:
    """Follows the seals of one database, each after the one before.

    Args:
        result: where faults are noted.
        trusted: keys that are believed.
        after: what is taken as true when it begins in mid chain.
    """

    def __init__(self, result: Verification, trusted: TrustedKeys, after: Link) -> None:
        self._result = result
        self._trusted = trusted
        self._known = known_keys(result.alias)
        self._last = after
        self._unvouched: int | None = None
        self._was_signed = False

    def follow(self, seal: AuditSeal) -> bool:
        """Check the next seal; False when it is too damaged to look at its records."""
        try:
            return self._checked(seal)
        except (AttributeError, TypeError, ValueError) as error:
            # SQLite keeps values of any kind in any column.
            self._result.add(FaultKind.CHANGED, f"the seal is damaged: {error}", seal=seal.number)
            self._last = Link(seal.number, None, seal.total)
            return False

    def _checked(self, seal: AuditSeal) -> bool:
        statement = statement_of(seal)
        digest = digest_of(statement)
        if bytes(seal.digest) != digest:
            self._result.add(FaultKind.CHANGED, "the seal was changed", seal=seal.number)
        self._check_link(seal)
        fits = self._check_counts(seal)
        self._check_signature(seal, signed_bytes(statement))
        self._last = Link(seal.number, digest, seal.total)
        self._result.seals += 1
        self._result.last_seal, self._result.last_digest = seal.number, digest
        return fits

    def finish(self) -> None:
        """Say from which seal on nobody vouches."""
        if self._unvouched is not None:
            detail = "this seal and those after it are not signed with a key that is trusted"
            self._result.add(FaultKind.UNKNOWN_KEY, detail, seal=self._unvouched)

    def _check_link(self, seal: AuditSeal) -> None:
        last = self._last
        if seal.number != last.number + 1:
            gone = f"seals {last.number + 1} to {seal.number - 1} are not there"
            self._result.add(FaultKind.MISSING, gone, seal=last.number + 1)
        elif last.digest is not None and bytes(seal.previous) != last.digest:
            self._result.add(FaultKind.CHANGED, "the seal does not follow the one before it", seal=seal.number)

    def _check_counts(self, seal: AuditSeal) -> bool:
        """Check what a seal says of its size; False when it names others than it has marks of, perhaps without end."""
        is_next = seal.number == self._last.number + 1
        fits = seal.count == size(seal.spans) and len(bytes(seal.marks)) == seal.count * MARK_BYTES
        if seal.spans and [seal.first_id, seal.last_id] != [seal.spans[0][0], seal.spans[-1][1]]:
            self._result.add(FaultKind.CHANGED, "the seal is filed under other records than its own", seal=seal.number)
        if not fits or (is_next and seal.total != self._last.total + seal.count):
            self._result.add(FaultKind.CHANGED, "the seal counts other records than it names", seal=seal.number)
        return fits

    def _check_signature(self, seal: AuditSeal, message: bytes) -> None:
        """Check a signature. One of a trusted key vouches for all seals before it: it covers their digests."""
        signature, is_site = bytes(seal.signature), seal.key_id.startswith(HMAC)
        check = self._trusted.check(seal.key_id, message, signature)
        is_trusted = check is SignatureCheck.RIGHT
        if check is SignatureCheck.UNKNOWN_KEY and seal.key_id in self._known:
            check = check_signature(self._known[seal.key_id], message, signature)
        if check is SignatureCheck.WRONG:
            detail = f"the seal is not signed with {seal.key_id}, as it says"
            self._result.add(FaultKind.BAD_SIGNATURE, detail, seal=seal.number)
        if is_site and self._was_signed:
            detail = "the seal has no public signature, though seals before it have"
            self._result.add(FaultKind.BAD_SIGNATURE, detail, seal=seal.number)
        self._was_signed = self._was_signed or not is_site
        if is_trusted:
            self._unvouched = None
        elif self._unvouched is None:
            self._unvouched = seal.number


def known_keys(alias: str) -> Mapping[str, bytes]:
    """Return the public keys that the database names. They tell nothing of who signed, only whether it fits."""
    keys = AuditSigningKey.objects.using(alias).values_list("key_id", "public_key")
    return {name: bytes(public) for name, public in keys if key_id_of(bytes(public)) == name}
