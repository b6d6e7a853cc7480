"""Files: lines at the end of one file, on the disk before they count."""

from __future__ import annotations

import fcntl
import os

from gridkit_django.audit.delivery.batch import Batch
from gridkit_django.audit.delivery.places import Place
from gridkit_django.exceptions import DeliveryLaterError


def append(place: Place, batch: Batch, secret: str) -> None:
    """Append a batch. Half a line that a crash left behind gets an end, so that it stays alone.

    Raises:
        DeliveryLaterError: when the file can't be written.
    """
    body = b"\n".join(batch.proven_lines()) + b"\n"
    try:
        handle = os.open(place.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            # Whoever holds it, perhaps for ever, must not hold up the other destinations.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end = os.lseek(handle, 0, os.SEEK_END)
            if end and os.pread(handle, 1, end - 1) != b"\n":
                body = b"\n" + body
            while body:
                body = body[os.write(handle, body) :]
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise DeliveryLaterError(f"The file {place.path} can't be written: {error.strerror}.") from error
