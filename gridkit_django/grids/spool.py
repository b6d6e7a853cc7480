"""Events of a large change that wait for the commit: kept in a file, so that memory does not grow with them."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import astuple
from datetime import datetime
from typing import IO, Any

from django.db import transaction

from gridkit_django.events import Actor, ActorKind, BulkPart, EventSource, GridEvent
from gridkit_django.events.signals import moments_of

_MEMORY_BYTES = 1_000_000
"""Up to so many bytes nothing is written to a disk."""


class CommittedSpool:
    """Takes events while a transaction is open and tells their ``committed`` moment, in order, after its commit.

    Args:
        sender: ``sender`` of the signals.
        using: alias of the database whose commit is waited for.
    """

    def __init__(self, sender: Any, using: str) -> None:
        self._sender = sender
        self._using = using
        self._file: IO[bytes] | None = None

    def __call__(self, event: GridEvent) -> None:
        """Keep an event."""
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - closed when it was told
            # A change that is rolled back never comes to tell: then the file goes with this object.
            weakref.finalize(self, self._file.close)
            transaction.on_commit(self._tell, using=self._using)
        self._file.write(json.dumps({**event.as_dict(), "bulk": event.bulk and astuple(event.bulk)}).encode() + b"\n")

    def _tell(self) -> None:
        for event in self._events():
            moments_of(event.type).committed.tell_all(self._sender, event)

    def _events(self) -> Iterator[GridEvent]:
        if self._file is None:
            return
        with self._file as lines:
            lines.seek(0)
            for line in lines:
                yield _event(json.loads(line))


def _event(raw: dict[str, Any]) -> GridEvent:
    actor = raw["actor"]
    return GridEvent(
        type=raw["type"],
        payload=raw["payload"],
        grid=raw["grid"],
        actor=Actor(ActorKind(actor["kind"]), actor["id"], actor["label"]),
        source=EventSource(raw["source"]),
        id=raw["id"],
        timestamp=datetime.fromisoformat(raw["timestamp"]),
        correlation_id=raw["correlationId"],
        bulk=_bulk(raw["bulk"]),
    )


def _bulk(raw: list[Any] | None) -> BulkPart | None:
    if raw is None:
        return None
    rows, columns, is_first = raw
    return BulkPart(rows, tuple(columns), is_first)
