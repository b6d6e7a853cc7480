"""How a whole file comes of its segments: joined at the end, or grown while they are written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

from gridkit_django.exports.base import ExportSheet
from gridkit_django.exports.growing import GrowingFile
from gridkit_django.exports.kept import KeptSegments
from gridkit_django.exports.scratch import ScratchFile, Workshop
from gridkit_django.exports.segments import Seams, SegmentedExporter
from gridkit_django.typing import JSONObject, JSONValue


class Assembly(ABC):
    """Takes the segments of one run, one after another, and gives the whole file.

    Args:
        kept: the segments of runs before this one; those of this run are added.
        workshop: makes the files.
        most: bytes of the whole file at most.
    """

    def __init__(self, kept: KeptSegments, workshop: Workshop, most: int) -> None:
        self._kept = kept
        self._workshop = workshop
        self._most = most

    @abstractmethod
    def begin(self) -> None:
        """Take over what runs before this one kept."""

    @abstractmethod
    def segment(self, *, stored: bool) -> AbstractContextManager[BinaryIO]:
        """Give a stream in the block to which the next segment is written.

        Args:
            stored: it is going to be stored, so that another run can go on after it.
        """

    @abstractmethod
    def add(self, rows: int, bookmark: JSONValue, facts: JSONObject) -> None:
        """Add the segment that was just written.

        Args:
            rows: how many rows it holds.
            bookmark: where the next one goes on; it is stored then. None when it is of use to this run only.
            facts: what its writer told.
        """

    @abstractmethod
    def finish(self) -> ScratchFile:
        """Return the whole file."""


class JoinedAssembly(Assembly):
    """Lets the exporter join all segments at the end.

    Args:
        exporter: what joins them.
        sheet: title, columns and options of the whole file.
    """

    def __init__(
        self, kept: KeptSegments, workshop: Workshop, most: int, exporter: SegmentedExporter, sheet: ExportSheet
    ) -> None:
        super().__init__(kept, workshop, most)
        self._exporter = exporter
        self._sheet = sheet

    def begin(self) -> None:
        """Nothing is to be done before the end."""

    @contextmanager
    def segment(self, *, stored: bool) -> Iterator[BinaryIO]:
        """Give a file of its own."""
        self._file = self._workshop.new_file(self._most - self._kept.size, summed=stored)
        yield self._file.stream

    def add(self, rows: int, bookmark: JSONValue, facts: JSONObject) -> None:
        """Keep the file; an empty one only where there is no other."""
        if bookmark is not None:
            self._kept.keep(self._file, rows, bookmark, facts)
        elif rows or not self._kept.count:
            self._kept.add_loose(self._file, rows, facts)

    def finish(self) -> ScratchFile:
        """Join them."""
        whole = self._workshop.new_file(self._most)
        self._exporter.join(whole.stream, self._sheet, self._kept.opened())
        return whole


class GrownAssembly(Assembly):
    """Writes the whole file while the segments are written; those that are stored are written twice.

    Args:
        seams: what the file has besides its segments.
    """

    def __init__(self, kept: KeptSegments, workshop: Workshop, most: int, seams: Seams) -> None:
        super().__init__(kept, workshop, most)
        self._whole = workshop.new_file(most)
        self._growing = GrowingFile(self._whole, seams)
        self._file: ScratchFile | None = None

    def begin(self) -> None:
        """Copy what was kept."""
        for segment in self._kept.opened():
            self._growing.take_over(segment)

    @contextmanager
    def segment(self, *, stored: bool) -> Iterator[BinaryIO]:
        """Give the end of the whole file, and a file of its own beside it where that is stored."""
        self._file = self._workshop.new_file(self._most - self._kept.size) if stored else None
        with self._growing.segment(self._kept.place(), self._file) as stream:
            yield stream

    def add(self, rows: int, bookmark: JSONValue, facts: JSONObject) -> None:
        """Store the file of its own."""
        if bookmark is not None and self._file is not None:
            self._kept.keep(self._file, rows, bookmark, facts, again=False)
            return
        self._kept.add_written(self._growing.size, rows, facts)
        if self._file is not None:
            self._file.discard()

    def finish(self) -> ScratchFile:
        """Complete it."""
        self._growing.close(self._kept.rows)
        return self._whole
