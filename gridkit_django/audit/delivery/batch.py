"""What is sent at once: some records of one seal, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gridkit_django.audit.delivery.formats import FORMATS
from gridkit_django.audit.evidence import checkpoint_lines, receipt_lines, seal_line
from gridkit_django.audit.rows import RecordRow
from gridkit_django.audit.runs import merged
from gridkit_django.models import AuditSeal


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way.

    Attributes:
        seal: the seal that they stand in.
        offset: how many records of the seal went before.
        rows: the records.
        form: name of the form in which they are told.
        is_last: whether no record of the seal comes after them.
        passed: seals before it whose records were all purged, and that the destination has not got.
    """

    seal: AuditSeal
    offset: int
    rows: tuple[RecordRow, ...]
    form: str
    is_last: bool
    passed: tuple[AuditSeal, ...] = ()

    @property
    def id(self) -> str:
        """What it is called; sent again, it is called the same."""
        return f"{self.seal.number}:{self.offset}"

    def lines(self) -> list[bytes]:
        """Return each record as one line."""
        return [FORMATS[self.form](row) for row in self.rows]

    def proven_lines(self) -> list[bytes]:
        """Return the lines with what proves them, where they are native.

        The seal stands before its first record, its checkpoints behind its last one; seals without records and the
        receipts that say why stand before it. All lines of a destination together are what ``verifier.py`` reads with
        ``--collected``.
        """
        if self.form != "native":
            return self.lines()
        return [*(line.rstrip() for line in self._before()), *self.lines(), *(line.rstrip() for line in self._behind())]

    def _before(self) -> Iterator[bytes]:
        if self.offset:
            return
        seals = (*self.passed, self.seal)
        if self.passed or len(self.rows) < self.seal.count:
            runs = merged((first, last) for seal in seals for first, last in seal.spans)
            yield from receipt_lines(str(self.seal._state.db), runs)
        yield from map(seal_line, seals)

    def _behind(self) -> Iterator[bytes]:
        if self.is_last:
            first = (*self.passed, self.seal)[0].number
            yield from checkpoint_lines(str(self.seal._state.db), self.seal.number, first=first)
