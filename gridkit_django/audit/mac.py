"""The MAC of a record: made when the record is written, so that a change is seen before the record is sealed, too.

It is HMAC-SHA256 over the canonical bytes without the id, cut to 16 bytes, after one byte that names the key. The key
is made from the site's secrets, so somebody who has the database only can't make one. Records that the database writes
itself (set-based changes, triggers) have none: until they are sealed, only the rights of the database guard them.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from enum import Enum
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings as django_settings
from django.utils.encoding import force_bytes

from gridkit_django.audit.canonical import canonical_of, operation_text
from gridkit_django.conf import settings

MAC_BYTES = 16
"""Bytes of a MAC after the one that names its key."""

_PURPOSE = b"gridkit_django: MAC of audit records, 1"

_PADS = tuple(bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
"""What HMAC does to the key before the inner and the outer digest, RFC 2104."""


class MacCheck(Enum):
    """What a MAC says about its record."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN_KEY = "unknown-key"
    ABSENT = "absent"


class MacKey:
    """One key. ``number`` is the byte that names it; two keys of a site may share one by chance.

    Args:
        phrase: the secret that it is made from.
        purpose: what for; keys of one secret for different purposes have nothing in common.
    """

    def __init__(self, phrase: str | bytes, purpose: bytes = _PURPOSE) -> None:
        self.secret = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(force_bytes(phrase))
        self.number = sha256(b"number of " + self.secret).digest()[:1]
        # HMAC begins with the key, so what it makes of it is kept: that halves the time of a MAC.
        self._inner, self._outer = (sha256(self.secret.ljust(64, b"\0").translate(pad)) for pad in _PADS)

    def mac(self, content: bytes) -> bytes:
        """Return the MAC of some bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(content)
        outer.update(inner.digest())
        return self.number + outer.digest()[:MAC_BYTES]


class MacKeys:
    """The keys of a site, the one that makes MACs first.

    Args:
        phrases: the secrets that they are made from.
    """

    def __init__(self, phrases: Sequence[str | bytes]) -> None:
        self.phrases = tuple(phrases)

    def mac(self, content: bytes) -> bytes:
        """Return the MAC of some bytes, made with the first key."""
        return self._newest.mac(content)

    def check(self, content: bytes, mac: bytes | memoryview | None) -> MacCheck:
        """Say whether a MAC fits to the bytes."""
        if mac is None:
            return MacCheck.ABSENT
        found = bytes(mac)
        if hmac.compare_digest(self._newest.mac(content), found):
            return MacCheck.RIGHT
        fitting = [key for key in self._all if key.number == found[:1]]
        if any(hmac.compare_digest(key.mac(content), found) for key in fitting):
            return MacCheck.RIGHT
        return MacCheck.WRONG if fitting else MacCheck.UNKNOWN_KEY

    @cached_property
    def _newest(self) -> MacKey:
        return MacKey(self.phrases[0])

    @cached_property
    def _all(self) -> tuple[MacKey, ...]:
        return (self._newest, *map(MacKey, self.phrases[1:]))


class SiteKeys:
    """Gives the keys of the site's settings; they are made again when a setting is another."""

    def __init__(self) -> None:
        self._keys = MacKeys(())

    def __call__(self) -> MacKeys:
        """Return the keys as the settings are now."""
        phrases = phrases_of_site()
        if self._keys.phrases != phrases:
            self._keys = MacKeys(phrases)
        return self._keys


def phrases_of_site() -> tuple[str | bytes, ...]:
    """Return the secrets that keys of the audit trail are made from, the newest first."""
    own = settings()
    return (
        *own.AUDIT_MAC_KEYS,
        *own.ENCRYPTION_KEYS,
        django_settings.SECRET_KEY,
        *django_settings.SECRET_KEY_FALLBACKS,
    )


mac_keys = SiteKeys()


def mac_of(record: Any) -> bytes:
    """Return the MAC for an ``AuditRecord`` that is going to be written: a model instance with its operation.

    The operation must be the one that is stored, to the microsecond.

    Raises:
        AuditFormError: when a column holds what no record has.
    """
    return mac_keys().mac(canonical_of(record, operation_text(record.operation)).content())


def check_mac(record: Any) -> MacCheck:
    """Say whether the MAC of an ``AuditRecord`` fits to it.

    Raises:
        AuditFormError: when a column holds what no record has.
    """
    return mac_keys().check(canonical_of(record, operation_text(record.operation)).content(), record.mac)
