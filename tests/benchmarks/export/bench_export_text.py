"""CSV and JSON: beside a bare ``COPY`` to the client, beside csv.writer over ``values_list``, beside other packages.

Each writes the whole file to the disk's cache. ``GRIDKIT_BENCH_ROWS=1000000`` takes a million rows instead of 100,000;
the other packages get 100,000 at most, since they hold all rows, unless ``GRIDKIT_BENCH_PEER_ROWS`` says otherwise.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import TextIOWrapper
from typing import Any, BinaryIO

from django.db import connection

from gridkit_django.exports import CopiedExporter, KeptSegment, SegmentPlace, create_export, run_export
from gridkit_django.models import JobState
from gridkit_django.typing import JSONValue
from gridkit_plugins.export.exporters.csv import CsvExporter
from gridkit_plugins.export.exporters.json import JsonExporter, NdjsonExporter
from tests.benchmarks.audit.clock import Clock, driver
from tests.benchmarks.database import server_version
from tests.benchmarks.export import peers
from tests.benchmarks.export.costs import Cost, Variant, compare_costs, cost_table, forget_peak, once, peak
from tests.benchmarks.export.records import PATHS, ROWS, SELECT, Record, make_records, sheet_of, source_of
from tests.benchmarks.export.worker import worker_of

ROUNDS = 12
PORTABLE_ROUNDS = 4
PEER_ROUNDS = 2
PORTABLE_ROWS = min(ROWS, 200_000)
PEER_ROWS = int(os.environ.get("GRIDKIT_BENCH_PEER_ROWS", min(ROWS, 100_000)))
WARM_ROWS = 200


def run() -> Iterator[str]:
    """Make the table and compare."""
    make_records()
    writer = Writer(worker_of(CsvExporter, JsonExporter))
    conditions = {"rows": f"{ROWS:,} of 12 columns", "database": server_version(), "driver": driver()}
    copied: Mapping[str, Variant] = {
        "COPY, bare, streamed to a file": partial(write_file, bare_copy),
        "CSV with guard, zone and header": partial(write_file, partial(writer.copied, CsvExporter)),
        "CSV, the same in segments of 50,000 rows": partial(write_file, partial(writer.segments, CsvExporter)),
        "CSV as a job: the same, checksums, progress, storage": partial(writer.job, "csv"),
        "JSON": partial(write_file, partial(writer.copied, JsonExporter)),
        "NDJSON": partial(write_file, partial(writer.copied, NdjsonExporter)),
        "JSON as a job": partial(writer.job, "json"),
    }
    yield cost_table("Written by PostgreSQL", compare_costs(copied, rounds=ROUNDS), conditions=conditions)
    most = PORTABLE_ROWS
    portable: Mapping[str, Variant] = {
        "csv.writer over values_list().iterator()": partial(write_file, partial(plain_csv, most)),
        "CSV with guard and zone, written by Python": partial(write_file, partial(writer.valued, CsvExporter, most)),
        "JSON, written by Python": partial(write_file, partial(writer.valued, JsonExporter, most)),
    }
    conditions["rows"] = f"{most:,} of 12 columns"
    yield cost_table("Written by Python", compare_costs(portable, rounds=PORTABLE_ROUNDS), conditions=conditions)
    yield _beside_peers(writer, conditions)


def _beside_peers(writer: Writer, conditions: dict[str, object]) -> str:
    """Compare with other packages; each of those writes once, after a small file that loads what it needs."""
    most = PEER_ROWS
    ours: dict[str, Variant] = {
        "CSV, written by PostgreSQL": partial(write_file, partial(writer.copied, CsvExporter, rows=most)),
        "CSV, written by Python": partial(write_file, partial(writer.valued, CsvExporter, most)),
        "JSON, written by PostgreSQL": partial(write_file, partial(writer.copied, JsonExporter, rows=most)),
        "JSON, written by Python": partial(write_file, partial(writer.valued, JsonExporter, most)),
    }
    costs = compare_costs(ours, rounds=PEER_ROUNDS)
    for name, write in peers.text_peers().items():
        write_file(partial(write, WARM_ROWS))
        before = forget_peak()
        wall, processor = once(partial(write_file, partial(write, most)), Clock())
        costs.append(Cost(name, (wall,), (processor,), peak() - before))
    told = {
        **conditions,
        "rows": f"{most:,} of 12 columns",
        "peers": f"{peers.versions()}; once each, memory above this process",
    }
    return cost_table("Beside other packages", costs, conditions=told)


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

    def job(self, form: str) -> None:
        """Carry out an export as a worker does, from the question to the stored file."""
        job = create_export("bench-records", {}, form, self._user)
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
