"""Files that are made in segments: each is written, checked and kept by itself, and at the end they are joined.

A format that can do so loses at most one segment when its worker dies: the next worker goes on after the last one that
was kept. A format that can't is written in one go, and again from the start.
"""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar

from gridkit_django.exports.base import BaseExporter, ExportSheet
from gridkit_django.typing import JSONObject


@dataclass(frozen=True, slots=True)
class SegmentPlace:
    """Where in the file a segment belongs.

    Attributes:
        number: 0 for the first one.
        first_row: how many rows come before it in the file.
        opening: the facts of the first segment, for all that come after it, such as the widths of columns that were
            planned from the first rows; empty for the first one.
    """

    number: int
    first_row: int
    opening: JSONObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptSegment:
    """A segment that was written before, opened for reading.

    Attributes:
        place: where it belongs.
        rows: how many rows it holds.
        stream: its bytes, just as ``write_segment`` wrote them, from the start.
        facts: what ``write_segment`` returned.
    """

    place: SegmentPlace
    rows: int
    stream: BinaryIO
    facts: JSONObject


@dataclass(frozen=True, slots=True)
class Seams:
    """What a file has besides its segments, when it is nothing but these, one after another, as they were written.

    Attributes:
        opening: what it begins with.
        between: what stands between the rows of one segment and those of the next.
        closing: what it ends with.
        closing_of_none: what it ends with when it has no rows.
    """

    opening: bytes = b""
    between: bytes = b""
    closing: bytes = b""
    closing_of_none: bytes = b""


class SegmentedExporter(BaseExporter):
    """Writes a file as segments that any worker can make, one after another, and joins them.

    An instance keeps nothing from one segment to the next, since the next one may be made by another worker: what a
    later segment or the join must know goes into the facts. ``begin``, ``write`` and ``finish`` are made of the same
    two methods, for files that are written in one go.

    Attributes:
        segment_rows: rows of one segment at most.
    """

    segment_rows: ClassVar[int] = 50_000

    @classmethod
    def seams(cls, sheet: ExportSheet) -> Seams | None:
        """Return what the file has besides its segments, or None when it is more than these, one after another.

        With it, a job writes the whole file while it writes the segments, and need not read them again: ``join`` is not
        asked then, and has to give the same file. Each segment is written from front to back, to a stream that can't be
        read, and one without rows has no bytes, unless it is the first one.

        Args:
            sheet: as in ``write_segment``.
        """
        del sheet
        return None

    @abstractmethod
    def write_segment(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, rows: Iterator[Sequence[Sequence[Any]]]
    ) -> JSONObject:
        """Write one segment.

        Args:
            stream: a binary file opened for writing.
            sheet: title, columns and options of the whole file.
            place: where the segment belongs.
            rows: its rows, in lists of ``chunk_rows`` at most; an export without rows has one empty segment.

        Returns:
            What the join must know of this segment, as plain data.
        """

    @abstractmethod
    def join(self, stream: BinaryIO, sheet: ExportSheet, segments: Iterator[KeptSegment]) -> None:
        """Write the whole file from its segments.

        Args:
            stream: a binary file opened for writing.
            sheet: as in ``write_segment``.
            segments: all of them, in their order, each to be read before the next one is asked for.
        """

    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        """Start a file that is written in one go."""
        self._stream = stream
        self._sheet = sheet
        self._waiting: list[Sequence[Sequence[Any]]] = []
        self._rows_waiting = 0
        self._kept: list[KeptSegment] = []

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows; a full segment is written at once."""
        if self._rows_waiting + len(rows) > self.segment_rows:
            self._keep()
        self._waiting.append(rows)
        self._rows_waiting += len(rows)

    def finish(self) -> None:
        """Write the last segment and join all of them."""
        if self._waiting or not self._kept:
            self._keep()
        self.join(self._stream, self._sheet, iter(self._kept))
        self.abort()

    def abort(self) -> None:
        """Throw the segments away."""
        for segment in self._kept:
            segment.stream.close()
        self._kept = []

    def _keep(self) -> None:
        opening = self._kept[0].facts if self._kept else {}
        place = SegmentPlace(len(self._kept), sum(segment.rows for segment in self._kept), opening)
        stream: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by abort
        try:
            facts = self.write_segment(stream, self._sheet, place, iter(self._waiting))
        except BaseException:
            stream.close()
            raise
        stream.seek(0)
        self._kept.append(KeptSegment(place, self._rows_waiting, stream, facts))
        self._waiting = []
        self._rows_waiting = 0
