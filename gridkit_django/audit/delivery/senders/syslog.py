"""Syslog: one message of RFC 5424 for each record, counted by octets on a stream (RFC 6587, RFC 5425)."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from gridkit_django.audit.delivery.batch import Batch
from gridkit_django.audit.delivery.formats import FORMATS
from gridkit_django.audit.delivery.places import Place
from gridkit_django.audit.delivery.senders.http import SECONDS, TOTAL_SECONDS, connected
from gridkit_django.audit.rows import RecordRow
from gridkit_django.exceptions import DeliveryLaterError, DeliveryRefusedError, DeliveryTooLargeError

DATAGRAM_BYTES_MAX = 65_000
_PRIORITY = 13 * 8 + 5
"""Facility 13, log audit; severity 5, notice."""

_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


def send_messages(place: Place, batch: Batch, secret: str) -> None:
    """Send a batch. Syslog has no answer: what the other side read before it closed the connection is delivered.

    Datagrams are delivered when they are sent.

    Raises:
        DeliveryLaterError: when the connection fails before all was read.
        DeliveryTooLargeError: when the server is too slow for so many messages.
        DeliveryRefusedError: when a message is too long for a datagram, or the address is not allowed.
    """
    messages = [message(row, FORMATS[batch.form](row)) for row in batch.rows]
    if place.scheme == "udp" and max(map(len, messages)) > DATAGRAM_BYTES_MAX:
        raise DeliveryRefusedError("A record is too long for a datagram. Use syslog+tls:// or syslog+tcp://.")
    try:
        with connected(place) as link:
            if place.scheme == "udp":
                for item in messages:
                    link.sendall(item)
            else:
                _stream(place, link, messages)
    except OSError as error:
        raise DeliveryLaterError(f"{place.host} can't be reached: {error}.") from error


def _stream(place: Place, link: socket.socket, messages: Sequence[bytes]) -> None:
    end = time.monotonic() + TOTAL_SECONDS
    for number, item in enumerate(messages):
        if time.monotonic() >= end:
            slow = f"{place.host} took {number} of {len(messages)} messages in {TOTAL_SECONDS} s."
            raise DeliveryTooLargeError(slow) if number > 1 else DeliveryLaterError(slow)
        link.sendall(b"%d %s" % (len(item), item))
    link.settimeout(max(end - time.monotonic(), SECONDS))
    _await_end(place, link)


def _await_end(place: Place, link: socket.socket) -> None:
    """Say that this is all, and wait until the other side has read it and says so, too.

    What a server has not read when its connection ends is lost: when it dies, and when we close without having read
    what it sent (with TLS 1.3 it always sends something), which resets the connection.
    """
    try:
        if isinstance(link, ssl.SSLSocket):
            # Many servers hang up without the farewell of TLS; a reset is no such error and is told.
            with suppress(ssl.SSLError):
                link.unwrap()
            return
        link.shutdown(socket.SHUT_WR)
        while link.recv(4096):
            pass
    except TimeoutError as error:
        raise DeliveryLaterError(
            f"{place.host} has not closed the connection, so it is not known whether it read all that was sent."
        ) from error


def message(row: RecordRow, line: bytes) -> bytes:
    """Return one message, without the count of its octets."""
    found = row.occurred_at
    moment = datetime.fromisoformat(found) if isinstance(found, str) else found
    at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    name = _UNPRINTABLE.sub("_", socket.gethostname())[:255] or "-"
    kind = _UNPRINTABLE.sub("_", row.action)[:32] or "-"
    return f"<{_PRIORITY}>1 {at} {name} gridkit - {kind} - ".encode() + line
