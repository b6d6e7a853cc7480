"""The segments of an unfinished file: each lies in the storage, and its row says that it is whole.

The file is stored first and its row is written then, in one transaction with the number of the run: so a row always
means a whole segment, and a worker whose job was taken from it adds none.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from typing import BinaryIO, cast

from django.core.files import File
from django.db import transaction

from gridkit_django.exceptions import ExportStorageError
from gridkit_django.exports.files import clear_folder, delete_file, export_storage, job_folder, storage_trouble
from gridkit_django.exports.jobs import database, this_run
from gridkit_django.exports.limits import check_room
from gridkit_django.exports.progress import taken
from gridkit_django.exports.scratch import ScratchFile, Workshop
from gridkit_django.exports.segments import KeptSegment, SegmentPlace
from gridkit_django.grids.locking import lock_user
from gridkit_django.models import ExportJob, ExportSegment
from gridkit_django.typing import JSONObject, JSONValue

logger = logging.getLogger("gridkit_django.exports")

_HANDLES = 64
"""Segments that are held open where the storage is elsewhere, so that they need not be fetched again."""

_READ = 1024 * 1024


class KeptSegments:
    """The segments of one job, in the hands of one run.

    Args:
        job: the job of this worker.
        workshop: makes its files.

    Attributes:
        rows: rows in all segments.
        size: bytes in all segments.
        bookmark: where the next segment goes on; None before the first one.
        opening: the facts of the first segment.
        count: how many there are.
    """

    def __init__(self, job: ExportJob, workshop: Workshop) -> None:
        self.rows = 0
        self.size = 0
        self.count = 0
        self.bookmark: JSONValue = None
        self.opening: JSONObject = {}
        self._job = job
        self._workshop = workshop
        self._stored: list[ExportSegment] = []
        self._here: dict[int, ScratchFile] = {}
        self._mine: set[int] = set()
        self._loose: list[tuple[SegmentPlace, int, ScratchFile, JSONObject]] = []

    def take_up(self) -> None:
        """Go on after what runs before this one kept; what does not follow without a gap is of no use."""
        for number, segment in enumerate(self._job.segments.order_by("number")):
            if segment.number != number:
                break
            self._add(segment)

    def place(self) -> SegmentPlace:
        """Return where the next segment belongs."""
        return SegmentPlace(self.count, self.rows, self.opening)

    def keep(self, file: ScratchFile, rows: int, bookmark: JSONValue, facts: JSONObject, *, again: bool = True) -> None:
        """Store a segment, so that another worker can go on after it.

        Args:
            file: its bytes.
            rows: how many rows it holds.
            bookmark: where the next one goes on.
            facts: what the joining must know.
            again: this run will read it, too.

        Raises:
            ExportStorageError: when the storage does not take it.
            ExportLostError: when the job is no longer this worker's.
            ExportTooLargeError: when its owner would have more than may be.
        """
        size, checksum = file.finish()
        moves = file.moves
        name = self._workshop.store(file, f"{self.count}.segment")
        segment = ExportSegment(
            job=self._job, number=self.count, rows=rows, size=size, sha256=checksum, bookmark=bookmark,
            facts=facts, file_name=name,
        )  # fmt: skip
        try:
            self._write_down(segment)
        except BaseException:
            delete_file(name)
            raise
        self._mine.add(segment.number)
        if moves or not again or len(self._here) >= _HANDLES:
            file.discard()
        else:
            self._here[segment.number] = file
        self._add(segment)

    def add_loose(self, file: ScratchFile, rows: int, facts: JSONObject) -> None:
        """Add a segment that lives no longer than this run: the last one, or one that no other run can go on after."""
        size = file.measure()
        place = self.place()
        self._loose.append((place, rows, file, facts))
        self._count(rows, size, facts)

    def add_written(self, size: int, rows: int, facts: JSONObject) -> None:
        """Add a segment that is nowhere but in the whole file.

        Args:
            size: bytes.
            rows: how many rows it holds.
            facts: of the segment.
        """
        self._count(rows, size, facts)

    def opened(self) -> Iterator[KeptSegment]:
        """Yield all segments in their order, each open as long as the next one is not asked for.

        Reading one stops when the run is to stop.

        Raises:
            ExportStorageError: when one is not there, or not as it was written; it and all later ones are forgotten.
        """
        first = 0
        for segment in self._stored:
            stream = self._open(segment)
            try:
                place = SegmentPlace(segment.number, first, self.opening)
                yield KeptSegment(place, segment.rows, self._workshop.reading(stream), segment.facts)
            finally:
                stream.close()
            first += segment.rows
        for place, rows, file, facts in self._loose:
            file.stream.seek(0)
            yield KeptSegment(place, rows, self._workshop.reading(file.stream), facts)
            file.discard()

    def _add(self, segment: ExportSegment) -> None:
        self._stored.append(segment)
        self.bookmark = segment.bookmark
        self._count(segment.rows, segment.size, segment.facts)

    def _count(self, rows: int, size: int, facts: JSONObject) -> None:
        if not self.count:
            self.opening = facts
        self.count += 1
        self.rows += rows
        self.size += size

    def _write_down(self, segment: ExportSegment) -> None:
        with transaction.atomic(using=database()):
            lock_user(self._job.owner_id, database())
            done = {"rows_done": self.rows + segment.rows, "bytes_done": self.size + segment.size}
            if not this_run(self._job).update(tries=0, deaths=0, **done):
                raise taken()
            segment.save(force_insert=True)
            check_room(self._job)

    def _open(self, segment: ExportSegment) -> BinaryIO:
        held = self._here.pop(segment.number, None)
        if held is not None:
            held.stream.seek(0)
            return held.stream
        try:
            with storage_trouble("could not be put together"):
                stream = export_storage().open(segment.file_name)
            _verify(segment, stream, whole=segment.number not in self._mine)
        except ExportStorageError:
            forget_segments(self._job, segment.number)
            raise
        return cast("BinaryIO", stream)


def _verify(segment: ExportSegment, stream: File[bytes], *, whole: bool) -> None:
    """Compare a segment with what was written.

    Args:
        segment: what is known of it.
        stream: its bytes, from the start; left there.
        whole: read all of it; else the size must do.

    Raises:
        ExportStorageError: when it is not the same.
    """
    with storage_trouble("could not be put together"):
        same = stream.size == segment.size
        if same and whole:
            found = hashlib.sha256()
            for block in stream.chunks(_READ):
                found.update(block)
            same = found.hexdigest() == segment.sha256
        stream.seek(0)
    if not same:
        stream.close()
        raise ExportStorageError(
            f"Segment {segment.number} of the export is not as it was written. It is made anew when the export is "
            "tried again; look after the storage when that happens more than once."
        )


def forget_segments(job: ExportJob, first: int = 0) -> None:
    """Delete the segments of a job from a number on: the rows, then the files."""
    segments = job.segments.filter(number__gte=first)
    names = list(segments.values_list("file_name", flat=True))
    segments.delete()
    for name in names:
        delete_file(name)


def clean_up(job: ExportJob) -> None:
    """Delete all that an ended job has in the storage but its finished file.

    What can't be deleted now is told in the log, and ``expire_exports`` tries it again: the rows go last.
    """
    try:
        for name in job.segments.values_list("file_name", flat=True):
            delete_file(name)
        clear_folder(job_folder(job), keep=job.file_name)
        job.segments.all().delete()
    except Exception:  # each storage has errors of its own; the job has ended, however this goes
        logger.exception("The files of export job %s could not be deleted", job.pk)
