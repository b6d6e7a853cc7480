"""Writing the file of one run: segment after segment, each kept before the next one begins, and then put together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from django.db import connections

from gridkit_django.exceptions import ExportError
from gridkit_django.exports.assembling import Assembly, GrownAssembly, JoinedAssembly
from gridkit_django.exports.base import BaseExporter, ExportSheet
from gridkit_django.exports.copying import CopiedExporter, CopyShape
from gridkit_django.exports.guard import guard_columns, guard_rows
from gridkit_django.exports.jobs import database
from gridkit_django.exports.kept import KeptSegments
from gridkit_django.exports.leases import has_follower
from gridkit_django.exports.pacing import Pace
from gridkit_django.exports.planning import Plan
from gridkit_django.exports.rows import RowSource
from gridkit_django.exports.scratch import ScratchFile, Workshop
from gridkit_django.exports.segments import SegmentedExporter, SegmentPlace
from gridkit_django.exports.source.copies import CopyTake
from gridkit_django.exports.source.takes import RowTake
from gridkit_django.exports.watching import Watch
from gridkit_django.models import JobStage
from gridkit_django.typing import JSONObject, JSONValue

Block = Sequence[Sequence[Any]]


class FileWriter:
    """Writes the file of one run.

    Args:
        plan: what is written.
        watch: is told of each row, and stops the run.
        workshop: makes the files.
        most: bytes of the file at most.
    """

    def __init__(self, plan: Plan, watch: Watch, workshop: Workshop, most: int) -> None:
        self._plan = plan
        self._watch = watch
        self._workshop = workshop
        self._most = most
        self._sheet = _guarded(plan.exporter, plan.sheet)
        self._copied = copied_shape(plan.exporter, plan.source, self._sheet)

    def write(self, kept: KeptSegments, *, keep: bool) -> ScratchFile:
        """Write what is lacking, and return the whole file.

        Args:
            kept: the segments of runs before this one; those of this run are added.
            keep: store each segment, so that another run can go on after it.
        """
        exporter = self._plan.exporter
        if not isinstance(exporter, SegmentedExporter):
            return self._in_one_go(exporter)
        assembly = self._assembly(exporter, kept)
        self._take_over(assembly, kept)
        if self._copied or self._plan.source.resumable:
            self._in_takes(exporter, kept, assembly, keep=keep)
        else:
            self._in_parts(exporter, kept, assembly)
        self._watch.progress.stage = JobStage.JOINING
        self._watch.check()
        return assembly.finish()

    def _assembly(self, exporter: SegmentedExporter, kept: KeptSegments) -> Assembly:
        seams = exporter.seams(self._sheet)
        if seams is None:
            return JoinedAssembly(kept, self._workshop, self._most, exporter, self._sheet)
        return GrownAssembly(kept, self._workshop, self._most, seams)

    def _take_over(self, assembly: Assembly, kept: KeptSegments) -> None:
        """Take over what is kept; rows a second are counted from there on."""
        progress = self._watch.progress
        progress.stage = JobStage.JOINING
        assembly.begin()
        progress.begin(self._plan.sheet.total_rows, kept.rows, kept.size)

    def _in_one_go(self, exporter: BaseExporter) -> ScratchFile:
        whole = self._workshop.new_file(self._most)
        source = self._plan.source
        exporter.begin(whole.stream, self._sheet)
        try:
            with self._watch.reading(source.connection):
                for rows in self._counted(source.take(chunk=exporter.chunk_rows)):
                    exporter.write(rows)
            exporter.finish()
        except BaseException:
            exporter.abort()
            raise
        return whole

    def _in_takes(self, exporter: SegmentedExporter, kept: KeptSegments, assembly: Assembly, *, keep: bool) -> None:
        """Write segments, each from a question of its own, that begins where the one before ended."""
        bookmark = kept.bookmark
        pace = self._pace(exporter)
        while True:
            take, is_last = self._take(exporter, bookmark, kept.rows, pace.rows)
            began = time.monotonic()
            with assembly.segment(stored=keep and not is_last) as stream:
                facts = self._segment(exporter, stream, kept.place(), take)
            pace.took(take.rows, time.monotonic() - began)
            bookmark = take.bookmark
            assembly.add(take.rows, bookmark if keep else None, facts)
            self._watch.progress.size = kept.size
            if bookmark is None:
                return

    def _pace(self, exporter: SegmentedExporter) -> Pace:
        """Return how large segments get: larger ones only where the run can be stopped in the middle of one."""
        if isinstance(exporter, CopiedExporter) and self._copied is not None and has_follower():
            return Pace(exporter.segment_rows, exporter.copied_rows)
        return Pace(exporter.segment_rows, exporter.segment_rows)

    def _take(
        self, exporter: SegmentedExporter, bookmark: JSONValue, done: int, rows: int
    ) -> tuple[RowTake | CopyTake, bool]:
        """Return the rows of the next segment, and whether it is the last one for sure.

        What the database writes is not looked through for the end of the last one: it is what is left, by the count.
        """
        source = self._plan.source
        size = rows if source.resumable else None
        if self._copied is None:
            return source.take(bookmark, size, chunk=exporter.chunk_rows), size is None
        is_last = size is None or done + size >= self._plan.sheet.total_rows
        return source.copy(bookmark, None if is_last else size, self._copied), is_last

    def _in_parts(self, exporter: SegmentedExporter, kept: KeptSegments, assembly: Assembly) -> None:
        """Write segments from one question that nobody can go on with: they are of use to this run only."""
        take = self._plan.source.take(chunk=exporter.chunk_rows)
        rows = 0
        for part in parts(take, exporter.segment_rows):
            with assembly.segment(stored=False) as stream:
                facts = self._segment(exporter, stream, kept.place(), part)
            assembly.add(take.rows - rows, None, facts)
            rows = take.rows

    def _segment(
        self, exporter: SegmentedExporter, stream: BinaryIO, place: SegmentPlace, rows: Iterable[Any]
    ) -> JSONObject:
        with self._watch.reading(self._plan.source.connection):
            if isinstance(exporter, CopiedExporter) and isinstance(rows, CopyTake):
                given = _Given(self._passed(rows))
                facts = exporter.write_copied(stream, self._sheet, place, given)
            else:
                given = _Given(self._counted(rows))
                facts = exporter.write_segment(stream, self._sheet, place, given)
        if not given.exhausted:
            raise ExportError(f"The writer of {exporter.format!r} left rows out. Tell its author.")
        return facts

    def _passed(self, take: CopyTake) -> Iterator[bytes]:
        """Yield blocks as the database wrote them.

        Where one connection does all, nothing can be asked of it before the last block: the job is looked at then.
        """
        is_busy = not has_follower() and self._plan.source.connection is connections[database()]
        before = 0
        for block in take:
            yield block
            if is_busy:
                continue
            self._watch.add(take.rows - before)
            before = take.rows
        self._watch.add(take.rows - before)

    def _counted(self, rows: Iterable[Block]) -> Iterator[Block]:
        """Yield rows as the writer may see them; each list counts once the next one is asked for."""
        guarded = self._plan.exporter.formula_guard
        for block in rows:
            yield guard_rows(block) if guarded else block
            self._watch.add(len(block))


class _Given:
    """Rows that are given to a writer, which has to take all of them."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self.exhausted = False
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._rows)
        except StopIteration:
            self.exhausted = True
            raise


def parts(rows: Iterable[Block], most: int) -> Iterator[Iterator[Block]]:
    """Split lists of rows into parts of so many rows at most; each part is to be read before the next one is asked for.

    There is at least one part, and a list is never split.
    """
    source = iter(rows)
    held = next(source, None)

    def part() -> Iterator[Block]:
        nonlocal held
        room = most
        while held is not None and (len(held) <= room or room == most):
            room -= len(held)
            yield held
            held = next(source, None)

    while True:
        yield part()
        if held is None:
            return


def copied_shape(exporter: BaseExporter, source: RowSource, sheet: ExportSheet) -> CopyShape | None:
    """Return how the database has to write the rows, or None when Python writes them."""
    shape = exporter.shape(sheet) if isinstance(exporter, CopiedExporter) else None
    return None if shape is None or source.why_not_copied(shape) else shape


def _guarded(exporter: BaseExporter, sheet: ExportSheet) -> ExportSheet:
    return replace(sheet, columns=guard_columns(sheet.columns)) if exporter.formula_guard else sheet
