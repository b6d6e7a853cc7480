"""Keys that sign metadata, as python-tuf wants them, made of the same texts and files as an author's keys."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, Key, SSlibKey

from gridkit_django.exceptions import SignatureError

ENVIRONMENT = "env:"


def read_signer(place: str, passphrase: str | None = None) -> CryptoSigner:
    """Return what signs with a private key.

    Args:
        place: the path of a PEM file, or ``env:NAME``.
        passphrase: decrypts the file, when it is encrypted.

    Raises:
        SignatureError: when there is no such key, or the passphrase is wrong.
    """
    try:
        raw = _read(place)
        key = load_pem_private_key(raw, password=passphrase.encode() if passphrase else None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignatureError(
            f"The key at {place} can't be read ({type(error).__name__}). It is a PEM file, as gridkit_market_keys key "
            "writes it; an encrypted one needs its passphrase."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(f"The key at {place} is not of the kind Ed25519.")
    return CryptoSigner(key)


def new_private_key(passphrase: str | None = None) -> bytes:
    """Return a new private key as PEM, encrypted when there is a passphrase."""
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_text(signer: CryptoSigner) -> str:
    """Return the public half of a key, in base64."""
    return key_text(signer.public_key)


def key_text(key: Key) -> str:
    """Return a public key of python-tuf's in base64."""
    return base64.b64encode(bytes.fromhex(key.keyval["public"])).decode("ascii")


def public_key(text: str) -> SSlibKey:
    """Return a public key from its base64.

    Raises:
        SignatureError: when it is none.
    """
    try:
        return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True)))
    except (binascii.Error, ValueError) as error:
        raise SignatureError(f"{text[:80]!r} is no public key of the kind Ed25519 in base64.") from error


def write_secret_file(path: Path, content: bytes) -> None:
    """Write a file that is new, and that only its owner may read.

    Raises:
        OSError: when it is there already or can't be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _read(place: str) -> bytes:
    if place.startswith(ENVIRONMENT):
        return os.environ[place.removeprefix(ENVIRONMENT)].encode() if place[4:] in os.environ else b""
    return Path(place).read_bytes()
