"""Syslog: one message of RFC 5424 for each record, counted by octets on a stream (RFC 6587, RFC 5425)."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime

from gridkit_django.audit.delivery.batch import Batch
from gridkit_django.audit.delivery.formats import FORMATS
from gridkit_django.audit.delivery.places import Place
from gridkit_django.audit.delivery.senders.http import connected
from gridkit_django.audit.rows import RecordRow
from gridkit_django.exceptions import DeliveryLaterError, DeliveryRefusedError

DATAGRAM_BYTES_MAX = 65_000
_PRIORITY = 13 * 8 + 5
"""Facility 13, log audit; severity 5, notice."""

_UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


def send_messages(place: Place, batch: Batch, secret: str) -> None:
    """Send a batch. Syslog has no answer: what the connection took counts as delivered.

    Raises:
        DeliveryLaterError: when the connection fails.
        DeliveryRefusedError: when a message is too long for a datagram, or the address is not allowed.
    """
    messages = [message(row, FORMATS[batch.form](row)) for row in batch.rows]
    if place.scheme == "udp" and max(map(len, messages)) > DATAGRAM_BYTES_MAX:
        raise DeliveryRefusedError("A record is too long for a datagram. Use syslog+tls:// or syslog+tcp://.")
    try:
        with connected(place) as link:
            for item in messages:
                link.sendall(item if place.scheme == "udp" else b"%d %s" % (len(item), item))
            if place.scheme == "tcp":
                link.shutdown(socket.SHUT_WR)
    except OSError as error:
        raise DeliveryLaterError(f"{place.host} can't be reached: {error}.") from error


def message(row: RecordRow, line: bytes) -> bytes:
    """Return one message, without the count of its octets."""
    found = row.occurred_at
    moment = datetime.fromisoformat(found) if isinstance(found, str) else found
    at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    name = _UNPRINTABLE.sub("_", socket.gethostname())[:255] or "-"
    kind = _UNPRINTABLE.sub("_", row.action)[:32] or "-"
    return f"<{_PRIORITY}>1 {at} {name} gridkit - {kind} - ".encode() + line
