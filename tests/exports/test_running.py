"""Running a job: the file, the progress, the end, and all the ways in which it can end otherwise."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from unittest import mock

import django_filters as df
import openpyxl
import pypdf
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from gridkit_django.events import Actor, EventSource, GridEvent, Moment, acting, signal_for
from gridkit_django.exports import (
    ExporterRegistry,
    ExportSheet,
    cancel_export,
    describe_job,
    exporters,
    open_result,
    run_export,
    watching,
)
from gridkit_django.grids import grid_registry
from gridkit_django.models import AuditRecord, ExportJob, JobState
from tests.exports.shop import GRID, ORDERS, ExportGrid, Recorder, as_csv, ask, orders, products
from tests.exports.stored import stored_files
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.usefixtures("empty_storage")]


def done(job: ExportJob) -> ExportJob:
    run_export(job.pk)
    job.refresh_from_db()
    return job


def file_of(job: ExportJob) -> bytes:
    with open_result(job.pk, job.owner).file as file:
        return file.read()


@pytest.fixture
def two_rows_a_chunk(registry: ExporterRegistry) -> Callable[[Callable[[], None]], None]:
    """Return a function that registers the format ``lines`` anew, calling something in each ``write``."""

    def register(act: Callable[[], None]) -> None:
        class Acting(Recorder):
            def write(self, rows: Any) -> None:
                super().write(rows)
                act()

        registry.register("lines", Acting, owner="tests")

    return register


def test_what_the_writer_says_of_its_file_stands_on_the_job(
    ann: User, registry: ExporterRegistry, caplog: pytest.LogCaptureFixture
):
    class Telling(Recorder):
        def remarks(self) -> list[str]:
            return ["One letter is a box."]

    registry.register("lines", Telling, owner="tests")
    products(2)
    job = done(ask(ann, "lines"))

    assert describe_job(job)["remarks"] == ["One letter is a box."]
    assert f"The file of export job {job.pk} has 1 remarks" in caplog.text
    assert "One letter" not in caplog.text
    assert describe_job(done(ask(ann)))["remarks"] == []


def test_csv_holds_every_cell_of_the_database_with_formulas_defused(ann: User):
    products(25)
    job = done(ask(ann, columns=["sku", "name", "price", "active", "attributes", "restocked"]))

    header, *lines = as_csv(file_of(job))
    assert header == ["sku", "name", "price", "active", "attributes", "restocked"]
    for line, row in zip(lines, Product.objects.order_by("-stock"), strict=True):
        name = f"'{row.name}" if row.name.startswith("=") else row.name
        assert line[:4] == [row.sku, name, str(row.price), "true" if row.active else "false"]
        assert json.loads(line[4]) == row.attributes
        assert (datetime.fromisoformat(line[5]) if line[5] else None) == row.restocked
    assert sum(line[1].startswith("'=") for line in lines) == 5


def test_json_holds_every_cell_of_the_database(ann: User):
    products(25)
    found = json.loads(file_of(done(ask(ann, "json", columns=["sku", "name", "price", "stock"]))))

    assert [(row["sku"], row["name"], Decimal(row["price"]), row["stock"]) for row in found] == list(
        Product.objects.order_by("-stock").values_list("sku", "name", "price", "stock")
    )


def test_xlsx_holds_every_cell_of_the_database_with_labels_of_choices(ann: User):
    products(25)
    job = done(ask(ann, "xlsx", columns=["sku", "name", "category", "price", "released"]))
    header, *rows = openpyxl.load_workbook(io.BytesIO(file_of(job))).active.iter_rows(values_only=True)

    assert header == ("Sku", "Name", "Category", "Price", "Released")
    expected = [
        (row.sku, row.name, row.get_category_display(), float(row.price), row.released)
        for row in Product.objects.order_by("-stock")
    ]
    assert [(*row[:4], row[4].date() if row[4] else None) for row in rows] == expected


def test_pdf_holds_every_row_of_the_database(ann: User):
    products(60)
    reader = pypdf.PdfReader(io.BytesIO(file_of(done(ask(ann, "pdf", columns=["sku", "stock"])))))
    text = "\n".join(page.extract_text() for page in reader.pages)

    for row in Product.objects.all():
        assert f"{row.sku} {row.stock}" in text
    assert "Products for export" in text


def test_without_formatting_choices_stay_as_stored(ann: User):
    products(1)
    job = done(ask(ann, "xlsx", options={"formatting": False}, columns=["category"]))

    assert openpyxl.load_workbook(io.BytesIO(file_of(job))).active["A2"].value == "book"


def test_labels_through_foreign_keys_and_row_permissions_hold_in_the_worker(ann: User):
    orders(5)
    job = done(ask(ann, grid=ORDERS, columns=["customer_name", "quantity"], sort=[{"col": "quantity"}]))

    assert as_csv(file_of(job)) == [["customer_name", "quantity"], ["Ann", "2"], ["Ann", "3"], ["Ann", "4"]]


def test_an_empty_selection_gives_a_file_with_a_header(ann: User):
    job = done(ask(ann, columns=["sku"]))

    assert (job.state, job.rows_done, job.progress) == (JobState.FINISHED, 0, 1.0)
    assert as_csv(file_of(job)) == [["sku"]]


def test_the_finished_job_says_everything_about_its_file(ann: User, settings: Any):
    settings.GRIDKIT = {"EXPORT_EXPIRY_HOURS": 5}
    products(3)
    job = done(ask(ann))

    assert (job.state, job.rows_done, job.rows_total, job.progress) == (JobState.FINISHED, 3, 3, 1.0)
    assert job.size == len(file_of(job))
    assert job.content_type == "text/csv; charset=utf-8"
    assert job.download_name == f"export-products-{timezone.localtime(job.created_at):%Y%m%d-%H%M}.csv"
    assert job.started_at <= job.finished_at < job.expires_at
    assert 4.9 < (job.expires_at - job.finished_at).total_seconds() / 3600 <= 5
    assert stored_files() == [job.file_name]
    assert len(job.file_name.rsplit("/", 1)[1].removesuffix(".csv")) == 32


def test_the_sheet_tells_the_exporter_what_the_file_is_about(ann: User):
    products(3)
    job = done(ask(ann, "lines", columns=["sku", "price"], tz="Asia/Tokyo"))

    sheet = Recorder.seen[0]
    assert isinstance(sheet, ExportSheet)
    assert [(column.id, column.label, column.type) for column in sheet.columns] == [
        ("sku", "Sku", "text"), ("price", "Price", "decimal"),
    ]  # fmt: skip
    assert (sheet.title, sheet.owner_label, sheet.total_rows) == ("Products for export", "ann", 3)
    assert str(sheet.time_zone) == "Asia/Tokyo"
    assert sheet.created_at == job.started_at
    assert [len(chunk) for chunk in Recorder.seen[1:-1]] == [2, 1]
    assert Recorder.seen[-1] == "finish"


def test_the_end_is_told_and_recorded_as_the_owner_with_the_correlation_of_the_request(ann: User):
    heard: list[GridEvent] = []

    def hear(event: GridEvent, **_kwargs: object) -> None:
        heard.append(event)

    signal = signal_for("export:finish", Moment.AFTER)
    signal.connect(hear)
    try:
        with acting(Actor.from_user(ann), EventSource.API, correlation_id="c-7"):
            job = ask(ann)
        done(job)
    finally:
        signal.disconnect(hear)

    (event,) = heard
    payload = dict(event.payload)
    assert payload.pop("ms") >= 0
    assert payload == {
        "jobId": str(job.pk), "format": "csv", "state": "finished", "rows": 0, "size": job.size,
    }  # fmt: skip
    assert (event.grid, event.actor.id, event.correlation_id) == (GRID, str(ann.pk), "c-7")
    record = AuditRecord.objects.get(action="export.finish")
    assert (record.actor_id, record.target_id, record.context["correlationId"]) == (str(ann.pk), str(job.pk), "c-7")
    assert record.context["evidence"] == {"format": "csv", "state": "finished", "rows": 0, "size": job.size}


def test_progress_is_written_while_the_job_runs(ann: User, two_rows_a_chunk: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_UPDATES", 0)
    products(6)
    job = ask(ann, "lines")
    seen: list[tuple[str, int, int, float]] = []

    def look() -> None:
        now = ExportJob.objects.get(pk=job.pk)
        seen.append((now.state, now.rows_done, now.rows_total, round(now.progress, 2)))

    two_rows_a_chunk(look)
    done(job)

    assert seen == [("running", 0, 6, 0.0), ("running", 2, 6, 0.33), ("running", 4, 6, 0.67)]
    assert job.rows_done == 6


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_rows_are_written(two_rows_a_chunk: Any):
    from tests.exports.shop import person  # noqa: PLC0415 - the fixture ann would open a transaction

    products(3)
    job = ask(person("dora"), "lines")
    seen: list[bool] = []
    two_rows_a_chunk(lambda: seen.append(connection.in_atomic_block))
    done(job)

    assert (job.state, seen) == (JobState.FINISHED, [False, False])


def test_cancel_takes_effect_within_one_chunk_and_leaves_no_file(ann: User, two_rows_a_chunk: Any):
    products(10)
    job = ask(ann, "lines")
    two_rows_a_chunk(lambda: cancel_export(ExportJob.objects.get(pk=job.pk), ann) and None)
    done(job)

    assert (job.state, job.error_code, job.file_name) == (JobState.CANCELLED, "", "")
    assert [type(item) for item in Recorder.seen] == [ExportSheet, list, str]
    assert Recorder.seen[-1] == "abort"
    assert stored_files() == []
    assert AuditRecord.objects.get(action="export.finish").context["evidence"]["state"] == "cancelled"


def test_a_second_worker_with_the_same_job_does_nothing(ann: User, two_rows_a_chunk: Any):
    products(2)
    job = ask(ann, "lines")
    two_rows_a_chunk(lambda: run_export(job.pk))
    done(job)
    run_export(job.pk)

    assert job.state == JobState.FINISHED
    assert sum(isinstance(item, ExportSheet) for item in Recorder.seen) == 1
    assert AuditRecord.objects.filter(action="export.finish").count() == 1


def test_a_job_that_was_cancelled_before_or_never_existed_is_left_alone(ann: User):
    job = ask(ann, "lines")
    cancel_export(job, ann)
    done(job)
    run_export("00000000-0000-0000-0000-000000000000")

    assert job.state == JobState.CANCELLED
    assert Recorder.seen == []


def test_a_job_taken_from_its_worker_keeps_the_other_end_and_no_file(ann: User, two_rows_a_chunk: Any):
    products(3)
    job = ask(ann, "lines")
    taken = {"state": JobState.FAILED, "error_code": "export-lost"}
    two_rows_a_chunk(lambda: ExportJob.objects.filter(pk=job.pk).update(**taken) and None)
    done(job)

    assert (job.state, job.error_code) == (JobState.FAILED, "export-lost")
    assert stored_files() == []
    assert not AuditRecord.objects.filter(action="export.finish").exists()


def test_a_deleted_job_stops_its_worker(ann: User, two_rows_a_chunk: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watching, "SECONDS_BETWEEN_UPDATES", 0)
    products(10)
    job = ask(ann, "lines")
    two_rows_a_chunk(lambda: ExportJob.objects.filter(pk=job.pk).delete() and None)
    run_export(job.pk)

    assert Recorder.seen[-1] == "abort"
    assert stored_files() == []


def test_a_job_that_ends_otherwise_while_its_file_is_stored_leaves_no_file(ann: User, monkeypatch: pytest.MonkeyPatch):
    job = ask(ann, "lines")
    save = default_storage.save

    def save_and_lose(*args: Any, **kwargs: Any) -> str:
        ExportJob.objects.filter(pk=job.pk).update(state=JobState.FAILED)
        return save(*args, **kwargs)

    with mock.patch.object(type(default_storage._wrapped), "save", side_effect=save_and_lose):
        done(job)

    assert job.state == JobState.FAILED
    assert stored_files() == []


def test_an_error_in_the_writer_fails_the_job_without_its_internals(ann: User, two_rows_a_chunk: Any, caplog: Any):
    def fail() -> None:
        raise ZeroDivisionError("secret detail")

    products(3)
    two_rows_a_chunk(fail)
    job = done(ask(ann, "lines"))

    assert (job.state, job.error_code) == (JobState.FAILED, "export-failed")
    assert job.error_detail.startswith("Something on the server went wrong (ZeroDivisionError). Try again;")
    assert "secret detail" in caplog.text
    assert Recorder.seen[-1] == "abort"
    assert AuditRecord.objects.get(action="export.finish").context["evidence"]["error"] == "export-failed"


@pytest.mark.django_db(transaction=True)
def test_a_question_that_the_database_can_not_compute_fails_the_job_and_says_why(ann: User):
    class NameFilters(df.FilterSet):  # type: ignore[misc]
        name__regex = df.CharFilter(field_name="name", lookup_expr="regex")

    class PatternGrid(ExportGrid):
        class Meta(ExportGrid.Meta):
            id = "export-patterns"
            filterset_class = NameFilters

    products(3)
    grid_registry().register(PatternGrid)
    try:
        node = {"col": "name", "op": "filter", "name": "name__regex", "value": "("}
        job = done(ask(ann, grid="export-patterns", filter=node))
    finally:
        grid_registry().unregister("export-patterns")

    assert (job.state, job.error_code) == (JobState.FAILED, "query-not-computable")
    assert "can't compute" in job.error_detail


def test_more_rows_than_the_site_allows_fail_the_job(ann: User, settings: Any):
    settings.GRIDKIT = {"EXPORT_ROWS_MAX": 2}
    products(3)
    job = done(ask(ann))

    assert (job.state, job.error_code) == (JobState.FAILED, "export-too-large")


def test_rows_that_came_after_the_request_may_be_too_many_for_the_format(ann: User, registry: ExporterRegistry):
    class Small(Recorder):
        max_rows = 3

    registry.register("small", Small)
    job = ask(ann, "small")
    products(4)

    assert (done(job).state, job.error_code) == (JobState.FAILED, "export-too-large")


def take_right(user: User, codename: str) -> None:
    user.user_permissions.remove(*user.user_permissions.filter(codename=codename))


@pytest.mark.parametrize(
    ("lose", "code"),
    [
        (lambda user: take_right(user, "open_grid"), "grid-not-found"),
        (lambda user: take_right(user, "export_grid"), "access-denied"),
        (lambda user: take_right(user, "view_price"), "column-unknown"),
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), "access-denied"),
    ],
)
def test_rights_that_were_lost_since_the_request_are_lost_for_the_job(
    ann: User, lose: Callable[[User], None], code: str
):
    products(2)
    job = ask(ann, columns=["sku", "price"])
    lose(ann)
    done(job)

    assert (job.state, job.error_code, job.file_name) == (JobState.FAILED, code, "")


def test_a_format_that_went_away_fails_the_job(ann: User):
    job = ask(ann, "lines")
    exporters()._table = {}

    assert (done(job).state, job.error_code) == (JobState.FAILED, "export-format-unknown")


def test_a_receiver_that_fails_at_the_end_fails_the_job_and_takes_the_file_away(ann: User, caplog: Any):
    def fail(**_kwargs: object) -> None:
        raise RuntimeError("cannot be told")

    signal = signal_for("export:finish", Moment.AFTER)
    signal.connect(fail)
    try:
        job = done(ask(ann))
    finally:
        signal.disconnect(fail)

    assert (job.state, job.error_code, job.file_name) == (JobState.FAILED, "export-failed", "")
    assert stored_files() == []
    assert not AuditRecord.objects.filter(action="export.finish").exists(), "the record stands or falls with the event"
    assert "could not be told" in caplog.text
