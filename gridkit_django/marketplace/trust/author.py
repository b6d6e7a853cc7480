"""The author's signature: which key says that this file is this version of this plugin."""

from __future__ import annotations

import base64
import binascii
import json
import re

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gridkit_django.audit.signing import key_id_of
from gridkit_django.exceptions import SignatureError

_PURPOSE = b"gridkit: release of a plugin, 1\n"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64


def make_author_key() -> tuple[bytes, str]:
    """Return a new private key as PEM (PKCS 8, not encrypted), and its public half in base64."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _public_text(key)


def public_key_of(private: bytes) -> str:
    """Return the public half of a private key, in base64.

    Raises:
        SignatureError: when it is no Ed25519 key.
    """
    return _public_text(_private(private))


def author_key_id(public: str) -> str:
    """Return the id of a public key: made from the key, so nothing else can go by it.

    Raises:
        SignatureError: when it is no Ed25519 key.
    """
    return key_id_of(_raw(public, _KEY_BYTES, "public key"))


def release_bytes(plugin_id: str, version: str, digest: str) -> bytes:
    """Return what an author signs: one form for one release, and for nothing else.

    Args:
        plugin_id: like ``@acme/colours``.
        version: as the manifest writes it.
        digest: ``sha256:…`` of the wheel file.

    Raises:
        SignatureError: when the digest is none.
    """
    if not _DIGEST.fullmatch(digest):
        raise SignatureError(f"{digest[:80]!r} is no digest; it is like 'sha256:' and 64 digits of base 16.")
    fields = {"digest": digest, "id": plugin_id, "version": version}
    return _PURPOSE + json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def sign_release(private: bytes, plugin_id: str, version: str, digest: str) -> str:
    """Return the signature of a release, in base64.

    Args:
        private: the private key, PEM.
        plugin_id: like ``@acme/colours``.
        version: as the manifest writes it.
        digest: ``sha256:…`` of the wheel file.

    Raises:
        SignatureError: when the key is none, or the digest is none.
    """
    return sign_bytes(private, release_bytes(plugin_id, version, digest))


def verify_release(public: str, plugin_id: str, version: str, digest: str, signature: str) -> None:
    """Refuse a release that this key did not sign as this version of this plugin.

    Raises:
        SignatureError: when the signature is of another key or another release, or broken.
    """
    verify_bytes(public, release_bytes(plugin_id, version, digest), signature, f"{plugin_id} {version}")


def sign_bytes(private: bytes, message: bytes) -> str:
    """Return the signature of a message that begins with its purpose, in base64.

    Raises:
        SignatureError: when the key is none.
    """
    return base64.b64encode(_private(private).sign(message)).decode("ascii")


def verify_bytes(public: str, message: bytes, signature: str, what: str) -> None:
    """Refuse a message that this key did not sign.

    Args:
        public: the public key, base64.
        message: what was signed.
        signature: in base64.
        what: names the message in the error.

    Raises:
        SignatureError: when the signature is of another key or another message, or broken.
    """
    raw = _raw(public, _KEY_BYTES, "public key")
    mark = _raw(signature, _SIGNATURE_BYTES, "signature")
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(mark, message)
    except InvalidSignature as error:
        raise SignatureError(f"{what} is not signed by the key {key_id_of(raw)}, or was changed after it.") from error


def _public_text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode("ascii")


def _private(pem: bytes) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignatureError(
            f"The private key can't be read: {type(error).__name__}. It is PEM, as gridkit_keygen writes it."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError("The private key is not of the kind Ed25519. Make one with manage.py gridkit_keygen.")
    return key


def _raw(text: str, length: int, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError(f"The {what} is not base64.") from error
    if len(raw) != length:
        raise SignatureError(f"The {what} has {len(raw)} bytes; one of Ed25519 has {length}.")
    return raw
