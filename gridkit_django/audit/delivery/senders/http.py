"""One POST to a destination, by the client of the house, judged as batches of audit records need it."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from gridkit_django.audit.delivery.places import Place
from gridkit_django.conf import settings
from gridkit_django.exceptions import (
    AddressRefusedError,
    DeliveryLaterError,
    DeliveryRefusedError,
    DeliveryTooLargeError,
    UnreachableError,
)
from gridkit_django.network import Address, Rules, connect, send_request

SECONDS = 15
TOTAL_SECONDS = 4 * SECONDS
"""How long one batch may take."""

ANSWER_BYTES_MAX = 4096
_LATER = frozenset({408, 425, 429})
_TOO_LARGE = 413


def post_bytes(place: Place, body: bytes, headers: Mapping[str, str]) -> bytes:
    """Post a body, and return the beginning of what the server said to it.

    Args:
        place: where.
        body: what.
        headers: with what.

    Raises:
        DeliveryLaterError: when the server is not reached or not well (408, 425, 429, 5xx).
        DeliveryTooLargeError: when it takes no body of this size (413).
        DeliveryRefusedError: when it says no (any other status that is not 2xx), or its address is not allowed.
    """
    try:
        answer = send_request(_address(place), "POST", headers, body, _rules())
    except UnreachableError as error:
        raise DeliveryLaterError(error.detail) from error
    except AddressRefusedError as error:
        raise DeliveryRefusedError(error.detail) from error
    told = f"{place.host} answered {answer.status}: {answer.body.decode(errors='replace')[:300]}"
    if answer.status in _LATER or answer.status >= 500:
        raise DeliveryLaterError(told)
    if answer.status == _TOO_LARGE:
        raise DeliveryTooLargeError(told)
    if not 200 <= answer.status < 300:
        raise DeliveryRefusedError(told)
    return answer.body


def connected(place: Place) -> socket.socket:
    """Return an open connection to an address that was judged, encrypted where the scheme says so.

    Raises:
        DeliveryRefusedError: when the name leads into our own network and that is not allowed.
        OSError: when nothing answers.
    """
    try:
        return connect(_address(place), _rules())
    except AddressRefusedError as error:
        raise DeliveryRefusedError(error.detail) from error


def _address(place: Place) -> Address:
    return Address(place.scheme, place.host, place.port, place.path)


def _rules() -> Rules:
    return Rules(
        allow_private=settings().AUDIT_ALLOW_PRIVATE,
        private_setting="AUDIT_ALLOW_PRIVATE",
        connect_seconds=SECONDS,
        read_seconds=SECONDS,
        total_seconds=TOTAL_SECONDS,
        answer_bytes=ANSWER_BYTES_MAX,
    )
