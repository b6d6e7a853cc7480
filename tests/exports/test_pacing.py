"""How large segments get that the database writes: by the time they take, and only where a run can be stopped there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, BinaryIO, ClassVar

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from gridkit_django.exports import ExporterRegistry, ExportSheet, SegmentPlace, open_result, pacing, run_export, running
from gridkit_django.exports.pacing import SEGMENT_SECONDS, Pace
from gridkit_django.models import ExportJob, JobState
from gridkit_django.typing import JSONObject
from gridkit_plugins.export.exporters.csv import CsvExporter
from tests.exports.segmented import Killed
from tests.exports.shop import ask, products
from tests.shop.models import Product


@pytest.mark.parametrize(
    ("rows", "seconds", "wanted"),
    [
        (50_000, 0.25, 300_000),
        (50_000, 0.001, 500_000),
        (50_000, 0.0, 500_000),
        (50_000, 60.0, 50_000),
        (0, 1.0, 50_000),
    ],
)
def test_a_segment_gets_as_many_rows_as_fit_the_time_within_bounds(rows: int, seconds: float, wanted: int) -> None:
    pace = Pace(50_000, 500_000)
    assert (SEGMENT_SECONDS, pace.rows) == (1.5, 50_000)

    pace.took(rows, seconds)
    assert pace.rows == wanted


def test_a_format_that_wants_larger_segments_than_the_most_gets_them() -> None:
    pace = Pace(1000, 10)
    pace.took(1000, 1e-9)

    assert pace.rows == 1000


class Quick(CsvExporter):
    """CSV in segments of three rows at least and eight at most; its worker may die in one of them."""

    format = "quick"
    segment_rows = 3
    copied_rows: ClassVar[int] = 8
    firsts: ClassVar[list[int]] = []
    deadly: ClassVar[set[int]] = set()

    def write_copied(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, blocks: Iterator[bytes]
    ) -> JSONObject:
        facts = super().write_copied(stream, sheet, place, blocks)
        self.firsts.append(place.first_row)
        if place.number in self.deadly:
            self.deadly.discard(place.number)
            raise Killed
        return facts


@pytest.fixture
def quick(registry: ExporterRegistry) -> type[Quick]:
    made = type("Quick", (Quick,), {"firsts": [], "deadly": set()})
    registry.register("quick", made, owner="tests")
    return made


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
@pytest.mark.postgres_only
@pytest.mark.usefixtures("empty_storage")
def test_segments_grow_and_every_row_is_there_once_after_a_death(
    ann: User, quick: type[Quick], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "give_back", lambda job: None)
    monkeypatch.setattr(pacing, "SEGMENT_SECONDS", 1e6)
    products(30)
    quick.deadly.add(2)
    job = ask(ann, "quick")
    with pytest.raises(Killed):
        run_export(job.pk)
    ExportJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert list(job.segments.order_by("number").values_list("rows", flat=True)) == [3, 8]

    run_export(job.pk)
    job.refresh_from_db()

    assert (job.state, job.rows_done) == (JobState.FINISHED, 30)
    assert quick.firsts == [0, 3, 11, 11, 14, 22], "a new worker begins with a small segment again"
    assert rows_of(job) == list(Product.objects.order_by("-stock").values_list("sku", flat=True))


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.postgres_only
def test_segments_stay_small_where_nobody_can_stop_a_run_inside_of_one(ann: User, quick: type[Quick]) -> None:
    products(10)
    job = ask(ann, "quick")
    run_export(job.pk)

    assert quick.firsts == [0, 3, 6, 9]


def rows_of(job: ExportJob) -> list[Any]:
    """Return the first cell of each row of the file."""
    with open_result(job.pk, job.owner).file as file:
        return [row[0] for row in csv.reader(io.StringIO(file.read().decode(), newline=""))][1:]
