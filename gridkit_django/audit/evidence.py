"""The export for an auditor: sealed records with all that proves them, as lines of JSON.

Whoever has the file, ``verifier.py`` and the public key can check it without this site. Records that the reader may not
see, or that a filter leaves out, are told by their digests only, so that the rest is still proven.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, TypeAlias

from django.db import connections, transaction
from django.utils import timezone

from gridkit_django.audit.canonical import moment
from gridkit_django.audit.checkpoints import origin_of
from gridkit_django.audit.merkle import leaf_digest
from gridkit_django.audit.receipts import receipt_statement
from gridkit_django.audit.rows import RecordRow, RecordRows
from gridkit_django.audit.runs import Run, common, merged, runs_of, size
from gridkit_django.audit.sealing.statement import statement_of
from gridkit_django.models import AuditCheckpoint, AuditPurge, AuditSeal, AuditSigningKey

FORM = 1

Choice: TypeAlias = Callable[[Sequence[RecordRow]], set[int]]
"""Given the records of one seal, answers the ids of those that go into the export with their content."""


@contextmanager
def one_moment(alias: str) -> Iterator[None]:
    """Read all of an export as it is at one moment: a purge that goes on meanwhile must not look like a loss.

    Args:
        alias: of the database. Nothing can be written to it inside, unless a transaction is open already.
    """
    connection = connections[alias]
    with transaction.atomic(using=alias):
        if connection.vendor == "postgresql" and not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


class EvidenceWriter:
    """Writes the sealed records of one database.

    It holds one seal's records in memory at a time. Read it inside ``one_moment``. Records without a seal are not
    proven, so they are not in it.

    Args:
        alias: of the database.
        first: number of the first seal.
        last: number of the last one; the newest when None.
        choice: which records are told with their content; all when None.
    """

    def __init__(self, alias: str, *, first: int = 1, last: int | None = None, choice: Choice | None = None) -> None:
        self._alias = alias
        self._choice = choice
        seals = AuditSeal.objects.using(alias).filter(number__gte=first).order_by("number")
        self._seals = seals if last is None else seals.filter(number__lte=last)
        self._rows = RecordRows(alias)
        self.records = 0
        self.seals = 0

    def lines(self) -> Iterator[bytes]:
        """Yield the lines of the file, each with its line feed."""
        head = {"evidence": FORM, "database": self._alias, "exportedAt": moment(timezone.now())}
        if self._seals.exists():
            head["origin"] = origin_of(self._alias)
        yield _line(head)
        yield from self._keys()
        yield from receipt_lines(self._alias, self._runs())
        last = 0
        for seal in self._seals.iterator(chunk_size=100):
            yield from self._seal(seal)
            last = seal.number
        yield from checkpoint_lines(self._alias, last)
        yield _line({"end": {"seals": self.seals, "records": self.records}})

    def _runs(self) -> list[Run]:
        """Return the ids of the seals: with a part of the chain go the receipts about it, not all that there are."""
        spans = self._seals.values_list("spans", flat=True)
        return merged(run for runs in spans.iterator(chunk_size=100) for run in spans_of(runs))

    def _keys(self) -> Iterator[bytes]:
        for key in AuditSigningKey.objects.using(self._alias).order_by("pk"):
            yield _line({"key": key.key_id, "public": _text(key.public_key)})

    def _seal(self, seal: AuditSeal) -> Iterator[bytes]:
        self.seals += 1
        line, spans = _sound_line(seal), spans_of(seal.spans)
        if line is None:
            yield _line({"seal": f"seal {seal.number} is damaged", "signature": "", "marks": ""})
            return
        yield line
        rows = self._rows.of(spans)
        shown = None if self._choice is None else self._choice(rows)
        if shown is not None and not shown.intersection(row.id for row in rows):
            yield _line({"withheld": {"all": len(rows)}})
            return
        for is_shown, part in groupby(rows, lambda row: shown is None or row.id in shown):
            told = list(part)
            yield from self._told(told) if is_shown else _withheld(told)

    def _told(self, rows: Sequence[RecordRow]) -> Iterator[bytes]:
        for row in rows:
            self.records += 1
            yield row.line() + b"\n"


def spans_of(stored: Any) -> list[Run]:
    """Return the stored runs of ids of a seal or a receipt; none where somebody has put something else there."""
    try:
        return [(int(first), int(last)) for first, last in stored]
    except (TypeError, ValueError):
        return []


def _sound_line(seal: AuditSeal) -> bytes | None:
    """Return the line of a seal, None when somebody has damaged it: it may name records without end."""
    try:
        is_sound = 8 * size(spans_of(seal.spans)) == len(bytes(seal.marks))
        return seal_line(seal) if is_sound else None
    except (AttributeError, TypeError, ValueError):
        return None


def seal_line(seal: AuditSeal) -> bytes:
    """Return the line of a seal; the lines of its records follow it."""
    said = {"seal": statement_of(seal), "signature": _text(seal.signature), "marks": _text(seal.marks)}
    return _line(said)


def receipt_lines(alias: str, runs: Sequence[Run]) -> Iterator[bytes]:
    """Yield the lines of the receipts of purges that are about some ids.

    Args:
        alias: of the database.
        runs: the ids.
    """
    if not runs:
        return
    near = AuditPurge.objects.using(alias).filter(first_id__lte=runs[-1][1], last_id__gte=runs[0][0])
    origin = origin_of(alias)
    for receipt in near.exclude(key_id="").order_by("pk").iterator():
        spans = spans_of(receipt.spans)
        if not spans or common(spans, runs):
            yield _line({"purge": receipt_statement(receipt, origin), "signature": _text(receipt.signature)})


def checkpoint_lines(alias: str, last: int, *, first: int = 1) -> Iterator[bytes]:
    """Yield the lines of the checkpoints of some seals.

    Args:
        alias: of the database.
        last: number of the last seal.
        first: number of the first one.
    """
    made = AuditCheckpoint.objects.using(alias).filter(seal_number__range=(first, last)).order_by("pk")
    for text in made.values_list("text", flat=True):
        yield _line({"checkpoint": text})


def _withheld(rows: Sequence[RecordRow]) -> Iterator[bytes]:
    """Yield the digests of records, a line for each unbroken run of ids."""
    by_id = {row.id: leaf_digest(row.line()) for row in rows}
    for first, last in runs_of(by_id):
        leaves = b"".join(by_id[number] for number in range(first, last + 1))
        yield _line({"withheld": {"first": first, "leaves": _text(leaves)}})


def _line(item: dict[str, Any]) -> bytes:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _text(value: bytes | memoryview) -> str:
    return base64.b64encode(bytes(value)).decode()
