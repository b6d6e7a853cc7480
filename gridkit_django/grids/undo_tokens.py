"""Tokens that hold what undoes a small change, encrypted: nothing is stored for an edit that nobody takes back.

The plain text is JSON, encrypted and authenticated with AES-256-GCM (NIST SP 800-38D) under a key made from
``SECRET_KEY``; ``SECRET_KEY_FALLBACKS`` open older tokens. It may hold values of fields that the user does not see, so
signing alone would not do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings as django_settings
from django.utils.crypto import salted_hmac

TOKEN_BYTES_MAX = 2048
"""What a token may hold. A client sends it back in a body, so it is no burden there; more is stored."""

_SALT = "gridkit_django.grids.undo_tokens"
_MARK = "u1."
_NONCE_BYTES = 12


def seal_token(held: Any) -> str | None:
    """Return a token that holds a JSON value; None when the value is too large for one."""
    text = json.dumps(held, separators=(",", ":")).encode()
    if len(text) > TOKEN_BYTES_MAX:
        return None
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(_key(django_settings.SECRET_KEY)).encrypt(nonce, text, None)
    return _MARK + base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")


def is_sealed_token(token: str) -> bool:
    """Whether a token says that it holds its value itself."""
    return token.startswith(_MARK)


def open_token(token: str) -> Any:
    """Return the value that a token holds; None when no key of this site opens it."""
    body = token.removeprefix(_MARK)
    try:
        sealed = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    for key in _keys():
        try:
            return json.loads(AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None))
        except (InvalidTag, ValueError):  # another key may fit; ValueError: too short to be one
            continue
    return None


def token_id(token: str) -> uuid.UUID:
    """Return the id under which it is kept that a token was used."""
    body = token.removeprefix(_MARK).rstrip("=")
    return uuid.UUID(bytes=hashlib.sha256(body.encode()).digest()[:16])


def _keys() -> Iterator[bytes]:
    yield from map(_key, (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS))


def _key(secret: str | bytes) -> bytes:
    return salted_hmac(_SALT, b"", secret=secret, algorithm="sha256").digest()
