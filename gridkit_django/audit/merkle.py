"""The Merkle tree over the records of a seal, as RFC 9162 makes it.

Leaves and nodes are hashed with different prefixes, so that a node can't be passed off as a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

LEAF = b"\x00"
NODE = b"\x01"

MARK_BYTES = 8
"""Bytes of each leaf's digest that a seal keeps, to tell which record of its batch is bad."""


def leaf_digest(line: bytes) -> bytes:
    """Return the digest of one record's canonical bytes."""
    return sha256(LEAF + line).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the digests of leaves; that of none is the digest of nothing."""
    if not leaves:
        return sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = [sha256(NODE + level[index] + level[index + 1]).digest() for index in range(0, len(level) - 1, 2)]
        # A last one without a partner goes up as it is: that splits at the largest power of two, as the RFC wants it.
        level = [*pairs, level[-1]] if len(level) % 2 else pairs
    return level[0]


def marks_of(leaves: Sequence[bytes]) -> bytes:
    """Return the marks of leaves, one after the other."""
    return b"".join(leaf[:MARK_BYTES] for leaf in leaves)
