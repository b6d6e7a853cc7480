"""What verification can find."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

FAULTS_KEPT = 100
"""Faults that are told one by one; of more, only the number."""


class FaultKind(Enum):
    """What is wrong."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    MOVED = "moved"
    REPEATED = "repeated"
    TRUNCATED = "truncated"
    UNSEALED = "unsealed"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_KEY = "unknown-key"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: what kind.
        detail: what it is, for a person.
        seal: number of the seal that it is about.
        record: id of the record that it is about.
    """

    kind: FaultKind
    detail: str
    seal: int | None = None
    record: int | None = None


@dataclass
class Verification:
    """What was verified and found.

    Attributes:
        alias: of the database.
        seals: how many were verified.
        records: how many records under them.
        purged: how many of them were removed with a receipt.
        unsealed: how many records wait for their seal.
        last_seal: number of the last seal; a later run may start after it.
        last_digest: its digest.
        faults: what is wrong, in the order of the chain; the first hundred.
        fault_count: how much is wrong.
    """

    alias: str
    seals: int = 0
    records: int = 0
    purged: int = 0
    unsealed: int = 0
    last_seal: int = 0
    last_digest: bytes = b""
    faults: list[Fault] = field(default_factory=list)
    fault_count: int = 0

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.fault_count

    def add(self, kind: FaultKind, detail: str, *, seal: int | None = None, record: int | None = None) -> None:
        """Note a fault."""
        self.fault_count += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(Fault(kind, detail, seal, record))
