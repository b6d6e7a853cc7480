"""CSV and JSON of a million rows: beside a bare ``COPY`` to the client, and beside csv.writer over ``values_list``.

Each writes the whole file to the disk's cache. ``GRIDKIT_BENCH_ROWS=100000`` makes a quicker run.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import TextIOWrapper
from typing import Any, BinaryIO
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection

from gridkit_django.exports import CopiedExporter, KeptSegment, SegmentPlace, create_export, run_export
from gridkit_django.grids import grid_registry
from gridkit_django.grids.registration import sync_registered_grids
from gridkit_django.models import JobState
from gridkit_django.typing import JSONValue
from gridkit_plugins.export.exporters.csv import CsvExporter
from gridkit_plugins.export.exporters.json import JsonExporter, NdjsonExporter
from tests.benchmarks.audit.clock import Clock, driver
from tests.benchmarks.database import server_version
from tests.benchmarks.export import peers
from tests.benchmarks.export.records import PATHS, ROWS, SELECT, Record, RecordGrid, make_records, sheet_of, source_of
from tests.benchmarks.harness import Variant, compare, table

ROUNDS = 4
PORTABLE_ROWS = min(ROWS, 200_000)
PEER_ROWS = min(ROWS, 20_000)


def run() -> Iterator[str]:
    """Make the table and compare."""
    make_records()
    grid_registry().register(RecordGrid)
    sync_registered_grids()
    config: Any = apps.get_app_config("gridkit_django")
    config.job_queue = _NoQueue()
    config.exporters.register("csv", CsvExporter, owner="bench")
    writer = Writer(get_user_model().objects.create_superuser("bench"))
    conditions = {"rows": f"{ROWS:,} of 12 columns", "database": server_version(), "driver": driver()}
    copied: Mapping[str, Variant] = {
        "COPY, bare, streamed to a file": partial(write_file, bare_copy),
        "CSV with guard, zone and header": partial(write_file, partial(writer.copied, CsvExporter)),
        "CSV, the same in segments of 50,000 rows": partial(write_file, partial(writer.segments, CsvExporter)),
        "CSV as a job: the same, checksums, progress, storage": writer.job,
        "JSON": partial(write_file, partial(writer.copied, JsonExporter)),
        "NDJSON": partial(write_file, partial(writer.copied, NdjsonExporter)),
    }
    yield table("Written by PostgreSQL: wall time", compare(copied, rounds=ROUNDS), conditions=conditions)
    yield table(
        "Written by PostgreSQL: processor time of client and database",
        compare(copied, rounds=ROUNDS, clock=Clock()),
        conditions=conditions,
    )
    most = PORTABLE_ROWS
    portable: Mapping[str, Variant] = {
        "csv.writer over values_list().iterator()": partial(write_file, partial(plain_csv, most)),
        "CSV with guard and zone, written by Python": partial(write_file, partial(writer.valued, CsvExporter, most)),
        "JSON, written by Python": partial(write_file, partial(writer.valued, JsonExporter, most)),
    }
    conditions["rows"] = f"{most:,} of 12 columns"
    yield table("Written by Python: wall time", compare(portable, rounds=ROUNDS), conditions=conditions)
    yield from _beside_peers(writer, conditions)


class _NoQueue:
    """The benchmark is the worker."""

    def enqueue_export(self, job_id: UUID) -> None:
        """Do nothing."""


def _beside_peers(writer: Writer, conditions: dict[str, object]) -> Iterator[str]:
    most = PEER_ROWS
    beside: dict[str, Variant] = {
        "CSV, written by PostgreSQL": partial(write_file, partial(writer.copied, CsvExporter, rows=most)),
        "CSV, written by Python": partial(write_file, partial(writer.valued, CsvExporter, most)),
        "JSON, written by PostgreSQL": partial(write_file, partial(writer.copied, JsonExporter, rows=most)),
        "JSON, written by Python": partial(write_file, partial(writer.valued, JsonExporter, most)),
        **{name: partial(write_file, partial(write, most)) for name, write in peers.text_peers().items()},
    }
    conditions = {**conditions, "rows": f"{most:,} of 12 columns", "peers": peers.versions()}
    title = "Beside other packages: processor time of client and database"
    yield table(title, compare(beside, rounds=ROUNDS, clock=Clock()), conditions=conditions)


def write_file(write: Callable[[BinaryIO], object]) -> None:
    """Let something write a temporary file."""
    with tempfile.TemporaryFile() as stream:
        write(stream)


def bare_copy(stream: BinaryIO) -> None:
    """Stream the rows as PostgreSQL writes them by itself."""
    with connection.cursor() as cursor, cursor.copy(f"COPY ({SELECT}) TO STDOUT (FORMAT csv)") as copy:
        stream.writelines(copy)


def plain_csv(rows: int, stream: BinaryIO) -> None:
    """Write rows as one does by hand."""
    text = TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    csv.writer(text).writerows(Record.objects.order_by("pk").values_list(*PATHS)[:rows].iterator(chunk_size=5000))
    text.detach()


class Writer:
    """Writes files as a job does.

    Args:
        user: the owner.
    """

    def __init__(self, user: Any) -> None:
        self._source = source_of(user)
        self._sheet = sheet_of(self._source)
        self._user = user

    def copied(self, kind: type[CopiedExporter], stream: BinaryIO, *, rows: int | None = None) -> None:
        """Write all rows in one segment."""
        self._segment(kind, stream, SegmentPlace(0, 0), None, rows)

    def segments(self, kind: type[CopiedExporter], stream: BinaryIO) -> None:
        """Write segments, and join them."""
        kept: list[KeptSegment] = []
        after: JSONValue = None
        try:
            while not kept or after is not None:
                place = SegmentPlace(len(kept), sum(segment.rows for segment in kept))
                part: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
                rows, after = self._segment(kind, part, place, after, kind.segment_rows)
                part.seek(0)
                kept.append(KeptSegment(place, rows, part, {}))
            kind().join(stream, self._sheet, iter(kept))
        finally:
            for segment in kept:
                segment.stream.close()

    def job(self) -> None:
        """Carry out an export as a worker does, from the question to the stored file."""
        job = create_export("bench-records", {}, "csv", self._user)
        run_export(job.pk)
        job.refresh_from_db()
        if (job.state, job.rows_done) != (JobState.FINISHED, ROWS):
            raise RuntimeError(f"The job is {job.state} after {job.rows_done} rows: {job.error_detail}")
        job.delete()

    def valued(self, kind: type[CopiedExporter], rows: int, stream: BinaryIO) -> None:
        """Write rows of values, as where the database can't write them."""
        kind().write_segment(stream, self._sheet, SegmentPlace(0, 0), iter(self._source.take(None, rows)))

    def _segment(
        self, kind: type[CopiedExporter], stream: BinaryIO, place: SegmentPlace, after: JSONValue, rows: int | None
    ) -> tuple[int, JSONValue]:
        shape = kind.shape(self._sheet)
        if shape is None or self._source.why_not_copied(shape):
            raise RuntimeError("PostgreSQL can't write these rows.")
        take = self._source.copy(after, rows, shape)
        kind().write_copied(stream, self._sheet, place, iter(take))
        return take.rows, take.bookmark
