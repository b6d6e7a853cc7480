"""An open connection to an address that was judged: no way into our own network, an end to everything."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from gridkit_django.exceptions import AddressRefusedError
from gridkit_django.network.addresses import Address

_Found: TypeAlias = tuple[
    socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]
]
"""One address of a name, as ``getaddrinfo`` tells it."""

_TRIES = 3
"""Addresses of a name that are tried at most."""

_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
"""Networks of IPv6 whose addresses end in one of IPv4, to which a gateway or the system may take what is sent there."""

_RESERVED = tuple(map(IPv6Network, ("64:ff9b:1::/48", "::ffff:0:0:0/96", "3fff::/20", "5f00::/16")))
"""Local translation to IPv4 (RFC 8215, RFC 2765), documentation (RFC 9637), segment routing (RFC 9602): not of the open
Internet by IANA's registry of special addresses, which the older of our Pythons do not know in full."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a connection may do.

    Attributes:
        allow_private: whether it may lead to private networks and this machine.
        private_setting: the setting that would allow it, for the text of the error.
        connect_seconds: for how long it is waited for.
        read_seconds: how long each piece of the answer may take.
        total_seconds: how long the whole request may take; whoever drips its answer does not hold us longer.
        answer_bytes: bytes of the answer that are read at most.
    """

    allow_private: bool = False
    private_setting: str = ""
    connect_seconds: float = 10.0
    read_seconds: float = 15.0
    total_seconds: float = 60.0
    answer_bytes: int = 4096


def connect(address: Address, rules: Rules) -> socket.socket:
    """Return an open connection, encrypted where the scheme says so.

    The name is resolved once, and the addresses that were judged are the ones that are used, one after the other until
    one answers: a name that changes its mind in between leads nowhere else.

    Raises:
        AddressRefusedError: when the name leads into our own network and that is not allowed.
        OSError: when nothing answers.
    """
    *others, last = _resolved(address, rules)[:_TRIES]
    for found in others:
        with suppress(OSError):
            return _opened(found, address, rules)
    return _opened(last, address, rules)


def _opened(found: _Found, address: Address, rules: Rules) -> socket.socket:
    family, kind, proto, _, place = found
    raw = socket.socket(family, kind, proto)
    try:
        raw.settimeout(rules.connect_seconds)
        raw.connect(place)
        link = raw
        if address.scheme in ("https", "tls"):
            link = ssl.create_default_context().wrap_socket(raw, server_hostname=address.host)
        link.settimeout(rules.read_seconds)
    except OSError:
        raw.close()
        raise
    return link


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of the open Internet, and holds none that is not."""
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, IPv4Address):
        return True
    if address.is_site_local or any(address in network for network in _RESERVED):
        return False
    inner = _inner(address)
    return inner is None or is_public(inner)


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Return the address of IPv4 that one of IPv6 stands for, if it does."""
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


def _resolved(address: Address, rules: Rules) -> list[_Found]:
    kind = socket.SOCK_DGRAM if address.scheme == "udp" else socket.SOCK_STREAM
    try:
        found: list[_Found] = socket.getaddrinfo(address.host, address.port, type=kind)  # type: ignore[assignment]
    except UnicodeError as error:
        raise AddressRefusedError(f"{address.host} is no name of a host.") from error
    allowed = [item for item in found if rules.allow_private or _is_public(item)]
    if not allowed:
        raise AddressRefusedError(
            f"{address.host} is an address of a private network. Set {rules.private_setting} where that is meant."
        )
    return allowed


def _is_public(found: _Found) -> bool:
    return is_public(ip_address(str(found[4][0]).partition("%")[0]))
