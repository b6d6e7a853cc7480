"""Secrets at rest: each is stored as ``{"$secret": "<token>"}``, encrypted with a key made from the site's settings.

The newest phrase of ``ENCRYPTION_KEYS`` encrypts; every phrase decrypts, and ``SECRET_KEY`` with its fallbacks does
too, so that a site may begin to use ``ENCRYPTION_KEYS`` at any time. The tokens are Fernet's: AES-128 in CBC mode
with HMAC-SHA256.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings as django_settings
from django.utils.encoding import force_bytes

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginSecretError

SEAL = "$secret"
"""The one key of the object that stands for an encrypted value."""

_BEGINNING = "gAAAA"
"""How every token of Fernet begins: its version, and the first bytes of a time before the year 2106."""

_PURPOSE = b"gridkit_django: secrets of plugins, 1"


class Keyring:
    """Encrypts and decrypts values. Making one costs nothing; the keys are made at the first use.

    Args:
        phrases: secrets from which the keys are made, the one that encrypts first.
    """

    def __init__(self, phrases: Sequence[str | bytes]) -> None:
        self._phrases = tuple(phrases)

    @classmethod
    def of_site(cls) -> Keyring:
        """Return the keyring of the site's settings as they are now."""
        return cls(
            (*settings().ENCRYPTION_KEYS, django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS),
        )

    def seal(self, value: Any) -> dict[str, str]:
        """Return the encrypted form of a JSON value; the same value never gives the same form twice."""
        text = json.dumps(value, separators=(",", ":"))
        return {SEAL: self._keys.encrypt(text.encode()).decode("ascii")}

    def unseal(self, sealed: Mapping[str, str]) -> Any:
        """Return the value behind its encrypted form.

        Raises:
            PluginSecretError: when no key of the site fits.
        """
        try:
            return json.loads(self._keys.decrypt(sealed[SEAL].encode()))
        except InvalidToken as error:
            raise PluginSecretError(UNREADABLE) from error

    def renewed(self, sealed: Mapping[str, str]) -> dict[str, str]:
        """Return the same value encrypted with the newest key; what is so already comes back as it is.

        Raises:
            PluginSecretError: when no key of the site fits.
        """
        try:
            self._newest.decrypt(sealed[SEAL].encode())
        except InvalidToken:
            return self.seal(self.unseal(sealed))
        return dict(sealed)

    @cached_property
    def _newest(self) -> Fernet:
        return _key(self._phrases[0])

    @cached_property
    def _keys(self) -> MultiFernet:
        return MultiFernet([self._newest, *map(_key, self._phrases[1:])])


UNREADABLE = (
    "A stored secret can't be decrypted, because it was encrypted with a key that this site no longer has. Put the old "
    "key behind the new one in GRIDKIT's ENCRYPTION_KEYS (or in SECRET_KEY_FALLBACKS), restart and run "
    "manage.py gridkit_rotate_secrets; or enter the secret again."
)


def is_sealed(value: Any) -> bool:
    """Whether a stored value has the form of an encrypted one."""
    if not (isinstance(value, Mapping) and len(value) == 1):
        return False
    token = value.get(SEAL)
    return isinstance(token, str) and token.startswith(_BEGINNING)


def _key(phrase: str | bytes) -> Fernet:
    material = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(force_bytes(phrase))
    return Fernet(base64.urlsafe_b64encode(material))
