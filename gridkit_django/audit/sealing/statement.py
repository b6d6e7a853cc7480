"""What a seal says: the exact bytes that are hashed into the next seal and signed."""

from __future__ import annotations

import json
from hashlib import sha256

from gridkit_django.audit.canonical import moment
from gridkit_django.models import AuditSeal

FORM = 1
PREFIX = b"gridkit audit seal 1\n"
"""Stands before the statement where it is hashed and signed, so that no other text of ours can be taken for one."""

DIGEST_BYTES = 32


def statement_of(seal: AuditSeal) -> str:
    """Return the statement of a seal, computed from its columns.

    Raises:
        ValueError, TypeError: when a column holds what no seal has.
    """
    said = {
        "count": seal.count,
        "form": FORM,
        "key": seal.key_id,
        "low": seal.low,
        "marks": sha256(seal.marks).hexdigest(),
        "number": seal.number,
        "previous": bytes(seal.previous).hex(),
        "root": bytes(seal.root).hex(),
        "sealedAt": moment(seal.sealed_at),
        "spans": [[int(first), int(last)] for first, last in seal.spans],
        "total": seal.total,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def signed_bytes(statement: str) -> bytes:
    """Return what is hashed and signed."""
    return PREFIX + statement.encode()


def digest_of(statement: str) -> bytes:
    """Return the digest by which the next seal knows this one."""
    return sha256(signed_bytes(statement)).digest()
