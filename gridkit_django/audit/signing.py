"""Keys that sign seals, and which of them are believed.

The private key is in a file or an environment variable, never in the database, and only the process that seals needs
it. Its file also names the public keys that went before, so that the sealer can tell a chain of its own from one that
somebody with the database made up. Without a key, seals are signed with HMAC and the site's secrets: that holds against
somebody who has the database alone, but proves nothing to others.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gridkit_django.audit.mac import MacKey, phrases_of_site
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditKeyError

ED25519 = "ed25519:"
HMAC = "hmac:"
PUBLIC_BYTES = 32
ENVIRONMENT = "env:"

_PURPOSE = b"gridkit_django: seals of the audit trail, 1"
_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


class SignatureCheck(Enum):
    """What a signature says."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN_KEY = "unknown-key"


class Signer(Protocol):
    """Signs with one key.

    Attributes:
        key_id: names the key and its kind.
        public_key: its public half, 32 bytes; empty where there is none.
    """

    key_id: str
    public_key: bytes

    def sign(self, message: bytes) -> bytes:
        """Return the signature of some bytes."""
        ...


def key_id_of(public_key: bytes) -> str:
    """Return the id of an Ed25519 key: it is made from the key, so nothing else can go by this id."""
    return ED25519 + sha256(public_key).hexdigest()[:32]


class Ed25519Signer:
    """Signs with an Ed25519 key (RFC 8032).

    Args:
        key: the private key.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = key_id_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._key.sign(message)


class HmacSigner:
    """Signs with HMAC-SHA256 and a key made from a secret of the site, for sites that have no signing key.

    Args:
        phrase: the secret.
    """

    public_key = b""

    def __init__(self, phrase: str | bytes) -> None:
        self._secret = MacKey(phrase, _PURPOSE).secret
        self.key_id = HMAC + sha256(b"number of " + self._secret).hexdigest()[:32]

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 32 bytes."""
        return hmac.digest(self._secret, message, "sha256")


@dataclass(frozen=True)
class KeyFile:
    """What a key file holds: a private key, and the public keys that went before it."""

    signer: Ed25519Signer
    retired: tuple[bytes, ...] = ()

    @classmethod
    def read(cls, place: str) -> KeyFile:
        """Read the file at a path, or the variable of ``env:NAME``.

        Raises:
            AuditKeyError: when there is none, or it holds no such keys.
        """
        blocks = list(_PEM.finditer(_bytes_at(place)))
        try:
            (private,) = [block[0] for block in blocks if block[1] == b"PRIVATE KEY"]
            key = load_pem_private_key(private, password=None)
            retired = [load_pem_public_key(block[0]) for block in blocks if block[1] == b"PUBLIC KEY"]
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise AuditKeyError(_NO_KEY.format(place=place)) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditKeyError(_NO_KEY.format(place=place))
        public = [item for item in retired if isinstance(item, Ed25519PublicKey)]
        return cls(Ed25519Signer(key), tuple(item.public_bytes(Encoding.Raw, PublicFormat.Raw) for item in public))

    @staticmethod
    def new_text(replaced: KeyFile | None = None) -> str:
        """Return the text of a file with a new key; keys that it takes the place of stand in it as retired."""
        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        older = () if replaced is None else (replaced.signer.public_key, *replaced.retired)
        public = [Ed25519PublicKey.from_public_bytes(item) for item in older]
        return text + "".join(
            item.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode() for item in public
        )


_NO_KEY = (
    "{place} does not hold exactly one Ed25519 private key in PEM. Make one with manage.py gridkit_audit_keygen, and "
    "name it in GRIDKIT's AUDIT_SIGNING_KEY."
)


def _bytes_at(place: str) -> bytes:
    if place.startswith(ENVIRONMENT):
        return os.environ.get(place.removeprefix(ENVIRONMENT), "").encode()
    try:
        return Path(place).read_bytes()
    except OSError as error:
        raise AuditKeyError(
            f"The signing key of the audit trail can't be read: {error.strerror}: {place}. Only the process that seals "
            "needs it; let that one read it, or correct GRIDKIT's AUDIT_SIGNING_KEY."
        ) from error


def site_signer() -> Signer:
    """Return what signs the seals of this site.

    Raises:
        AuditKeyError: when the key of the settings can't be read.
    """
    place = settings().AUDIT_SIGNING_KEY
    return KeyFile.read(place).signer if place else HmacSigner(phrases_of_site()[0])


class TrustedKeys:
    """Keys that are believed, because they come from outside the database.

    Args:
        public_keys: Ed25519, 32 bytes each.
        phrases: secrets of the site, for seals without a signing key.
    """

    def __init__(self, public_keys: Iterable[bytes], phrases: Iterable[str | bytes] = ()) -> None:
        self.public_keys: Mapping[str, bytes] = {key_id_of(key): key for key in public_keys}
        self.site_keys = {signer.key_id: signer for signer in map(HmacSigner, phrases)}

    @classmethod
    def of_site(cls, *, with_signing_key: bool = False) -> TrustedKeys:
        """Return the keys of the settings.

        Args:
            with_signing_key: fail when the signing key can't be read; else its public half is left out then.

        Raises:
            AuditKeyError: when a key can't be read.
        """
        place = settings().AUDIT_SIGNING_KEY
        keys = [public_key_of(text) for text in settings().AUDIT_PUBLIC_KEYS]
        if place and (with_signing_key or _is_readable(place)):
            file = KeyFile.read(place)
            keys += [file.signer.public_key, *file.retired]
        return cls(keys, phrases_of_site())

    def check(self, key_id: str, message: bytes, signature: bytes) -> SignatureCheck:
        """Say whether a signature was made with a key that is believed."""
        if key_id in self.site_keys:
            fits = hmac.compare_digest(self.site_keys[key_id].sign(message), signature)
            return SignatureCheck.RIGHT if fits else SignatureCheck.WRONG
        public = self.public_keys.get(key_id)
        return SignatureCheck.UNKNOWN_KEY if public is None else check_signature(public, message, signature)


def check_signature(public_key: bytes, message: bytes, signature: bytes) -> SignatureCheck:
    """Say whether an Ed25519 signature fits."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return SignatureCheck.WRONG
    return SignatureCheck.RIGHT


def public_key_of(text: str) -> bytes:
    """Return the public key that a text of ``AUDIT_PUBLIC_KEYS`` stands for.

    Raises:
        AuditKeyError: when it is not the base64 of 32 bytes.
    """
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != PUBLIC_BYTES:
        raise AuditKeyError(f"{text!r} is no public key: expected the base64 of 32 bytes, as keygen prints it.")
    return key


def public_text(key: bytes) -> str:
    """Return the text of a public key for people and settings."""
    return base64.b64encode(key).decode()


def _is_readable(place: str) -> bool:
    if place.startswith(ENVIRONMENT):
        return place.removeprefix(ENVIRONMENT) in os.environ
    return os.access(place, os.R_OK)
