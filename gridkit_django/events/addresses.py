"""The address that a request came from: that of the connection, or what proxies of our own say."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from django.http import HttpRequest

from gridkit_django.conf import settings

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> str:
    """Return the address of the client as far as it is evidence; empty when the server names none.

    A header that anybody can send is no evidence. So ``X-Forwarded-For`` is read only when the connection comes from
    one of ``AUDIT_TRUSTED_PROXIES``, and from its end: each entry counts as long as the host that wrote it is trusted.

    Args:
        request: the request.
    """
    peer = str(request.META.get("REMOTE_ADDR") or "")
    trusted = _networks(settings().AUDIT_TRUSTED_PROXIES)
    if not trusted:
        return peer
    for told in (peer, *reversed(request.headers.get("X-Forwarded-For", "").split(","))):
        address = _address(told.strip())
        if address is None:
            return peer
        peer = str(address)
        if not any(address in network for network in trusted if network.version == address.version):
            break
    return peer


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
