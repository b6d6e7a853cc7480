"""One value of a record, encrypted: AES-256-GCM with the key of the subject (NIST SP 800-38D)."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gridkit_django.exceptions import AuditKeyError

SEAL = "$enc"
"""The one key of the object that stands for an encrypted value. Its value is NULL where the database wrote the record
itself, without a key: then only the fact is known."""

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands; it is part of what is authenticated, so that no value can be moved to another place.

    Attributes:
        record: the uuid of the record.
        field: the field.
        side: 0 for before, 1 for after.
    """

    record: UUID
    field: str
    side: int

    def context(self) -> bytes:
        """Return the bytes that are authenticated with the value."""
        return f"{self.record}\0{self.field}\0{self.side}".encode()


def seal(value: Any, place: Place, key_id: UUID, key: bytes) -> dict[str, str]:
    """Return the encrypted form of a JSON value; the same value never gives the same form twice."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    nonce = os.urandom(_NONCE_BYTES)
    closed = nonce + AESGCM(key).encrypt(nonce, text, place.context())
    return {SEAL: f"{key_id.hex}:{base64.b64encode(closed).decode('ascii')}"}


def open_sealed(sealed: Mapping[str, str], place: Place, key: bytes) -> Any:
    """Return the value behind its encrypted form.

    Raises:
        AuditKeyError: when it was changed or moved, or the key is another's.
    """
    try:
        closed = base64.b64decode(sealed[SEAL].partition(":")[2], validate=True)
        return json.loads(AESGCM(key).decrypt(closed[:_NONCE_BYTES], closed[_NONCE_BYTES:], place.context()))
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise AuditKeyError("An encrypted value of an audit record can't be read: it was changed or moved.") from error


def key_id_of(sealed: Mapping[str, str]) -> UUID:
    """Return the id of the subject's key that a value was encrypted with.

    Raises:
        AuditKeyError: when the form is damaged.
    """
    try:
        return UUID(sealed[SEAL].partition(":")[0])
    except ValueError as error:
        raise AuditKeyError("An encrypted value of an audit record names no key: it was changed.") from error


def is_sealed(value: Any) -> TypeGuard[Mapping[str, str]]:
    """Whether a value of a record is the form of an encrypted value that can be opened with a key."""
    return isinstance(value, Mapping) and set(value) == {SEAL} and isinstance(value[SEAL], str)
