"""What is sent at once: some records of one seal, in their order."""

from __future__ import annotations

from dataclasses import dataclass

from gridkit_django.audit.delivery.formats import FORMATS
from gridkit_django.audit.evidence import checkpoint_lines, seal_line
from gridkit_django.audit.rows import RecordRow
from gridkit_django.models import AuditSeal


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way.

    Attributes:
        seal: the seal that they stand in.
        offset: how many records of the seal went before.
        rows: the records.
        form: name of the form in which they are told.
    """

    seal: AuditSeal
    offset: int
    rows: tuple[RecordRow, ...]
    form: str

    @property
    def id(self) -> str:
        """What it is called; sent again, it is called the same."""
        return f"{self.seal.number}:{self.offset}"

    @property
    def is_last(self) -> bool:
        """Whether the seal ends with it."""
        return self.offset + len(self.rows) >= self.seal.count

    def lines(self) -> list[bytes]:
        """Return each record as one line."""
        return [FORMATS[self.form](row) for row in self.rows]

    def proven_lines(self) -> list[bytes]:
        """Return the lines with what proves them, where they are native.

        The seal stands before its first record, its checkpoints behind its last one. All lines of a destination
        together are what ``verifier.py`` reads, but for the line that ends an export: they never end.
        """
        lines, number = self.lines(), self.seal.number
        if self.form != "native":
            return lines
        if self.offset == 0:
            lines.insert(0, seal_line(self.seal).rstrip())
        if self.is_last:
            alias = str(self.seal._state.db)
            lines += [line.rstrip() for line in checkpoint_lines(alias, number, first=number)]
        return lines
