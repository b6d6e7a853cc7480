"""What a URL says about the server behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gridkit_django.exceptions import AddressRefusedError

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is reached.

    Attributes:
        scheme: ``https`` or ``http``; for other protocols ``tls``, ``tcp`` or ``udp``.
        host: the host's name.
        port: its port.
        path: path and query.
    """

    scheme: str
    host: str
    port: int
    path: str = "/"

    @property
    def authority(self) -> str:
        """The host as permissions name it: with the port, unless it is the scheme's own."""
        return self.host if self.port == _PORTS.get(self.scheme) else f"{self.host}:{self.port}"


def read_address(url: str, *, allow_clear: bool = False) -> Address:
    """Read the URL of a server.

    Args:
        url: ``https://host/path``.
        allow_clear: whether ``http://`` will do.

    Raises:
        AddressRefusedError: when it is none, holds a password, or is not encrypted where it must be.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefusedError(f"The address can't be read: {error}.") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressRefusedError("The address is no URL of the form https://host/path.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefusedError("The address holds a user or a password. Put it into a header instead.")
    if parts.scheme == "http" and not allow_clear:
        raise AddressRefusedError("http:// is not encrypted. Use https://, or allow it where the way is safe.")
    if not _PRINTABLE.fullmatch(url):
        raise AddressRefusedError("The address holds characters that stand in no URL. Quote them.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port, path)
