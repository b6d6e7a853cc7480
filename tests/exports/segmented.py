"""Formats whose files are made in segments of three rows, and hands that stop their worker at a chosen place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, ClassVar

from gridkit_django.exports import ExportSheet, KeptSegment, Seams, SegmentedExporter, SegmentPlace
from gridkit_django.typing import JSONObject


class Killed(BaseException):
    """Stands for the end of a worker process."""


def _nothing(*_: Any) -> None:
    """Do nothing."""


class Pieces(SegmentedExporter):
    """Writes one JSON line a row; the joining puts the segments one after the other.

    Attributes:
        written: the places of all segments that were written, by whichever worker.
        act: called with the place after a segment has been written, before it is kept.
        act_in: called with each list of rows.
    """

    format = "pieces"
    label = "Pieces"
    content_type = "text/plain"
    extension = "txt"
    chunk_rows = 2
    segment_rows = 3
    written: ClassVar[list[SegmentPlace]] = []
    joined: ClassVar[list[tuple[int, int, int, JSONObject]]] = []
    act: ClassVar[Callable[[SegmentPlace], None]] = _nothing
    act_in: ClassVar[Callable[[Sequence[Any]], None]] = _nothing
    act_join: ClassVar[Callable[[], None]] = _nothing

    def write_segment(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, rows: Iterator[Sequence[Sequence[Any]]]
    ) -> JSONObject:
        kind = type(self)
        count = 0
        for block in rows:
            for row in block:
                stream.write(json.dumps([str(value) for value in row]).encode() + b"\n")
                count += 1
            kind.act_in(block)
        self.written.append(place)
        kind.act(place)
        return {"rows": count, "by": len(self.written)}

    def join(self, stream: BinaryIO, sheet: ExportSheet, segments: Iterator[KeptSegment]) -> None:
        for segment in segments:
            self.joined.append((segment.place.number, segment.place.first_row, segment.rows, segment.facts))
            shutil.copyfileobj(segment.stream, stream)
            type(self).act_join()


class Strips(Pieces):
    """The same, as a file that grows with its segments, with a line of its own at each seam."""

    format = "strips"

    @classmethod
    def seams(cls, sheet: ExportSheet) -> Seams:
        return Seams(b"begin\n", b"next\n", b"end\n", b"none\n")
