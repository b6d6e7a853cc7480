"""Who wraps the keys of subjects: the site's own secrets, or a key management service behind the same interface."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings as django_settings
from django.utils.module_loading import import_string

from gridkit_django.audit.mac import MacKey
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditKeyError, AuditKeyServiceError

logger = logging.getLogger("gridkit_django.audit")

_PURPOSE = b"gridkit_django: wrapping of audit subjects' keys, 1"
_NONCE_BYTES = 12


class KeyProvider(Protocol):
    """Wraps and unwraps the 32-byte keys of subjects. A class of it is named by ``AUDIT_KEY_PROVIDER``.

    It is asked once for each subject and process now and then, not for each value. Whatever it raises but
    ``AuditKeyError`` means that it can't be reached now: what needs a key is refused and may be tried again. It must
    give up in time, for a write waits for it.
    """

    @property
    def master_id(self) -> str:
        """The id of the master key that wraps now, 64 characters at most."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return the key wrapped by the master key that wraps now.

        Args:
            key: the 32 bytes.
            context: what it belongs to; unwrapping with another one must fail.
        """

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Return the key.

        Args:
            master_id: the master key that wrapped it.
            wrapped: what ``wrap`` returned.
            context: what it belongs to.

        Raises:
            AuditKeyError: when there is no such master key, or something was changed.
        """


class SiteKeyProvider:
    """Wraps by AES-256-GCM with a key made from ``AUDIT_MASTER_KEYS``, else ``ENCRYPTION_KEYS``, else ``SECRET_KEY``.

    The first secret wraps, all unwrap.
    """

    def __init__(self) -> None:
        self._phrases = _phrases()

    @property
    def master_id(self) -> str:
        """The id of the key that wraps now."""
        return next(iter(self._keys))

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """See ``KeyProvider``."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._keys[self.master_id]).encrypt(nonce, key, context)

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """See ``KeyProvider``."""
        if master_id not in self._keys:
            raise AuditKeyError(
                f"The key of a subject was wrapped by the master key {master_id}, which the settings do not have. Put "
                "the secret that it was made from behind the newer ones in AUDIT_MASTER_KEYS."
            )
        try:
            return AESGCM(self._keys[master_id]).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context)
        except InvalidTag as error:
            raise AuditKeyError("The stored key of a subject was changed: it can't be unwrapped.") from error

    @cached_property
    def _keys(self) -> dict[str, bytes]:
        made = (MacKey(phrase, _PURPOSE).secret for phrase in self._phrases)
        return {f"site-{sha256(key).hexdigest()[:12]}": key for key in made}


class _Told:
    """A provider whose failures are told as errors of ours, with the cause in the log."""

    def __init__(self, inner: KeyProvider) -> None:
        self._inner = inner

    @property
    def master_id(self) -> str:
        with _failures_told():
            return self._inner.master_id

    def wrap(self, key: bytes, context: bytes) -> bytes:
        with _failures_told():
            return self._inner.wrap(key, context)

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        with _failures_told():
            return self._inner.unwrap(master_id, wrapped, context)


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except AuditKeyError:
        raise
    except Exception as error:
        logger.exception("The provider of keys that AUDIT_KEY_PROVIDER names failed")
        raise AuditKeyServiceError(
            f"The service that keeps the keys of persons did not answer ({type(error).__name__}), so nothing was "
            "written or opened. Try again; the cause is in the log."
        ) from error


def key_provider() -> KeyProvider:
    """Return the provider of the settings, made anew.

    Its methods raise ``AuditKeyServiceError`` where it can't be reached, whatever it raises itself.
    """
    with _failures_told():
        return _Told(import_string(settings().AUDIT_KEY_PROVIDER)())


def _phrases() -> Sequence[str | bytes]:
    own = settings()
    fallbacks = (*own.ENCRYPTION_KEYS, django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
    return (*own.AUDIT_MASTER_KEYS, *fallbacks)
