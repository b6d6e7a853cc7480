"""One POST to somebody else's server: no redirect, no way into our own network, an end to everything."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address

from gridkit_django.audit.delivery.places import Place
from gridkit_django.conf import settings
from gridkit_django.exceptions import DeliveryLaterError, DeliveryRefusedError

SECONDS = 15
ANSWER_BYTES_MAX = 4096
_LATER = frozenset({408, 425, 429})


def post_bytes(place: Place, body: bytes, headers: Mapping[str, str]) -> None:
    """Post a body.

    Args:
        place: where.
        body: what.
        headers: with what.

    Raises:
        DeliveryLaterError: when the server is not reached or not well (408, 425, 429, 5xx).
        DeliveryRefusedError: when it says no (any other status that is not 2xx), or its address is not allowed.
    """
    connection = HTTPConnection(place.host, place.port, timeout=SECONDS)
    try:
        connection.sock = connected(place)
        connection.request("POST", place.path, body, dict(headers))
        answer = connection.getresponse()
        told = answer.read(ANSWER_BYTES_MAX).decode(errors="replace")[:300]
        status = answer.status
    except (OSError, HTTPException) as error:
        raise DeliveryLaterError(f"{place.host} can't be reached: {str(error) or type(error).__name__}.") from error
    finally:
        connection.close()
    if status in _LATER or status >= 500:
        raise DeliveryLaterError(f"{place.host} answered {status}: {told}")
    if not 200 <= status < 300:
        raise DeliveryRefusedError(f"{place.host} answered {status}: {told}")


def connected(place: Place) -> socket.socket:
    """Return an open connection to an address that was judged, encrypted where the scheme says so.

    The name is resolved once, and the address that was judged is the one that is used: a name that changes its mind
    in between leads nowhere else.

    Raises:
        DeliveryRefusedError: when the name leads into our own network and that is not allowed.
        OSError: when nothing answers.
    """
    family, kind, proto, _, address = _resolved(place)
    raw = socket.socket(family, kind, proto)
    try:
        raw.settimeout(SECONDS)
        raw.connect(address)
        if place.scheme not in ("https", "tls"):
            return raw
        return ssl.create_default_context().wrap_socket(raw, server_hostname=place.host)
    except OSError:
        raw.close()
        raise


def _resolved(
    place: Place,
) -> tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]:
    kind = socket.SOCK_DGRAM if place.scheme == "udp" else socket.SOCK_STREAM
    found = socket.getaddrinfo(place.host, place.port, type=kind)[0]
    if not ip_address(str(found[4][0]).partition("%")[0]).is_global and not settings().AUDIT_ALLOW_PRIVATE:
        raise DeliveryRefusedError(
            f"{place.host} is an address of a private network. Set AUDIT_ALLOW_PRIVATE where that is meant."
        )
    return found  # type: ignore[return-value]
