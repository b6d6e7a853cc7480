"""Formats whose rows the database itself can write: PostgreSQL's ``COPY`` gives finished lines.

The same exporter also writes rows that come as Python values, where the database can't write them; the file is the
same, byte by byte.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Literal

from gridkit_django.exports.base import ExportSheet
from gridkit_django.exports.segments import SegmentedExporter, SegmentPlace
from gridkit_django.typing import JSONObject


@dataclass(frozen=True, slots=True)
class CopyShape:
    """How the database writes rows.

    Attributes:
        kind: ``csv`` for separated texts, ``json`` for one object a row.
        between: what stands between two rows.
        guard: put an apostrophe before texts that a spreadsheet would run as formulas.
        delimiter: what stands between two values of a CSV row.
        decimal: the decimal sign of CSV.
        keys: names of the values in an object, one for each column.
        decimals_as_text: write exact numbers of JSON as strings.
        large_as_text: write whole numbers over 2^53 as strings, which JavaScript would round.
    """

    kind: Literal["csv", "json"]
    between: bytes = b"\n"
    guard: bool = False
    delimiter: str = ","
    decimal: str = "."
    keys: tuple[str, ...] = ()
    decimals_as_text: bool = True
    large_as_text: bool = False


class CopiedExporter(SegmentedExporter):
    """A format whose rows the database can write.

    Ask ``shape`` first. When it gives one, and ``RowSource.why_not_copied`` has nothing against it, pass the blocks of
    ``RowSource.copy`` to ``write_copied``; else pass the rows of ``RowSource.take`` to ``write_segment``.

    Attributes:
        copied_rows: rows of one segment at most that the database writes; it gets as many as take a second or so, and
            at least ``segment_rows``.
    """

    copied_rows: ClassVar[int] = 500_000

    @classmethod
    @abstractmethod
    def shape(cls, sheet: ExportSheet) -> CopyShape | None:
        """Return how the database has to write the rows, or None when it can't with these options."""

    @abstractmethod
    def write_copied(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, blocks: Iterator[bytes]
    ) -> JSONObject:
        """Write one segment of rows that the database wrote.

        Args:
            stream: a binary file opened for writing.
            sheet: title, columns and options of the whole file.
            place: where the segment belongs.
            blocks: whole rows, with ``CopyShape.between`` between two rows of a block and none at its ends. The last
                segment may have more than ``copied_rows``: also those that were added since all were counted.

        Returns:
            The same as ``write_segment`` would return for these rows.
        """
