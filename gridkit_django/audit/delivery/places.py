"""What an address of a destination means: which kind it is, and whether it may be used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from django.utils.module_loading import import_string

from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditDestinationError

KINDS = {
    "https": "webhook",
    "http": "webhook",
    "syslog+tls": "syslog",
    "syslog+tcp": "syslog",
    "syslog+udp": "syslog",
    "otlp+https": "otlp",
    "otlp+http": "otlp",
    "file": "file",
}
"""Scheme of an address to the kind of destination; a dotted path of a function has none and is a ``callable``."""

_CLEAR = frozenset({"http", "otlp+http", "syslog+tcp", "syslog+udp"})
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, slots=True)
class Place:
    """An address that was understood.

    Attributes:
        kind: ``webhook``, ``syslog``, ``otlp``, ``file`` or ``callable``.
        scheme: how it is reached, for example ``https`` or ``tls``; empty for a callable.
        host: the host's name.
        port: its port.
        path: path and query of a URL, path of a file, or dotted path of a function.
    """

    kind: str
    scheme: str
    host: str
    port: int
    path: str


_PORTS = {"https": 443, "http": 80, "tls": 6514, "tcp": 601, "udp": 514}


def read_place(address: str) -> Place:
    """Read an address.

    Args:
        address: ``https://…`` (a webhook), ``syslog+tls://host:port``, ``otlp+https://host/v1/logs``,
            ``file:///folder/name.ndjson``, or the dotted path of a function.

    Raises:
        AuditDestinationError: when it is none of these, holds a password, or is not encrypted where it must be.
    """
    if _DOTTED.fullmatch(address):
        return _function(address)
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise AuditDestinationError(f"The address can't be read: {error}.") from error
    kind = KINDS.get(parts.scheme)
    if kind is None:
        known = ", ".join(f"{name}://" for name in KINDS)
        raise AuditDestinationError(f"The address begins with none of {known} and is no dotted path of a function.")
    if parts.username or parts.password:
        raise AuditDestinationError("The address holds a user or a password. Give a secret instead; it is encrypted.")
    if kind == "file":
        return _file(parts.netloc, parts.path)
    if not parts.hostname:
        raise AuditDestinationError("The address names no host.")
    if parts.scheme in _CLEAR and not settings().AUDIT_ALLOW_CLEAR:
        raise AuditDestinationError(
            f"{parts.scheme}:// is not encrypted. Use an encrypted scheme, or set AUDIT_ALLOW_CLEAR where the way is "
            "safe."
        )
    scheme = parts.scheme.rpartition("+")[2]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(kind, scheme, parts.hostname, port or _PORTS[scheme], path)


def _function(address: str) -> Place:
    try:
        found = import_string(address)
    except ImportError as error:
        raise AuditDestinationError(f"There is no function {address}.") from error
    if not callable(found):
        raise AuditDestinationError(f"{address} can't be called.")
    return Place("callable", "", "", 0, address)


def _file(netloc: str, path: str) -> Place:
    if netloc or not PurePosixPath(path).is_absolute() or path.endswith("/") or ".." in PurePosixPath(path).parts:
        raise AuditDestinationError("A file needs an absolute path: file:///folder/name.ndjson.")
    return Place("file", "file", "", 0, path)
