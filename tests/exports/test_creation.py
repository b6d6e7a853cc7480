"""Asking for an export."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.events import Actor, EventSource, GridEvent, Moment, acting, signal_for
from gridkit_django.exceptions import (
    AccessDeniedError,
    EventRejected,
    ExportLimitError,
    ExportOptionsError,
    ExportTooLargeError,
    UnknownColumnError,
    UnknownFormatError,
)
from gridkit_django.exports import ExporterRegistry, ExportRequest, describe_job, hand_waiting, request_export
from gridkit_django.grids import GridAccess
from gridkit_django.grids.locking import lock_user
from gridkit_django.grids.query import GridQuery
from gridkit_django.models import AuditRecord, ExportJob, JobState
from tests.exports.shop import GRID, ExportGrid, Recorder, ask, person, products

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_the_question_is_frozen_with_columns_and_time_zone(ann: User):
    sort = [{"col": "name", "dir": "desc"}]
    condition = {"col": "stock", "op": "gt", "value": 3}
    job = ask(ann, sort=sort, filter=condition, search="x", window={"kind": "offset", "start": 5, "end": 9})

    assert (job.grid, job.format, job.owner, job.state) == (GRID, "csv", ann, JobState.QUEUED)
    assert job.query["columns"] == list(ExportGrid.columns())
    assert job.query["sort"] == sort
    assert job.query["filter"] == condition
    assert job.query["search"] == "x"
    assert job.query["tz"] == "America/New_York"
    assert job.query["window"]["kind"] == "cursor"
    assert GridQuery.from_dict(job.query).to_dict() == job.query


def test_hidden_columns_are_neither_frozen_nor_usable(bob: User):
    assert "price" not in ask(bob).query["columns"]
    with pytest.raises(UnknownColumnError):
        ask(bob, columns=["price"])
    with pytest.raises(UnknownColumnError):
        ask(bob, sort=[{"col": "price"}])


def test_the_worker_is_told_after_the_commit_and_only_then(
    ann: User, queue: Any, django_capture_on_commit_callbacks: Any
):
    with django_capture_on_commit_callbacks(execute=True):
        job = ask(ann)
        assert queue.jobs == []
    assert queue.jobs == [job.pk]


def test_a_job_waits_for_a_queue_that_is_out_of_reach_and_goes_to_it_when_it_is_back(
    ann: User, queue: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any, caplog: Any
):
    class Unreachable:
        def enqueue_export(self, job_id: Any) -> None:
            raise ConnectionError("no broker")

    with monkeypatch.context() as away:
        away.setattr(apps.get_app_config("gridkit_django"), "job_queue", Unreachable())
        with django_capture_on_commit_callbacks(execute=True):
            job = ask(ann)
        assert hand_waiting() == 0
    assert "waits for the task queue" in caplog.text
    assert ExportJob.objects.get().state == JobState.QUEUED

    assert hand_waiting() == 1
    assert queue.jobs == [job.pk]


def test_request_is_recorded_with_its_query(ann: User):
    with acting(Actor.from_user(ann), EventSource.API, correlation_id="c-1"):
        job = ask(ann, options={"bom": True}, columns=["sku"], filter={"col": "name", "op": "eq", "value": "secret"})

    record = AuditRecord.objects.get(action="export.request")
    assert (record.target_type, record.target_id, record.grid) == ("export", str(job.pk), GRID)
    assert (record.actor_id, job.correlation_id) == (str(ann.pk), "c-1")
    assert record.context["evidence"] == {
        "format": "csv", "columns": ["sku"], "filtered": True, "options": {"bom": True},
        "query": {"filter": {"col": "name", "op": "eq", "value": "secret"}},
    }  # fmt: skip


def test_request_is_recorded_without_values_that_a_policy_masks(ann: User):
    audit_policies().set("test", [AuditPolicy(model_label="shop.product", mask=frozenset({"name"}))])
    try:
        ask(ann, columns=["sku"], filter={"col": "name", "op": "eq", "value": "secret"})
    finally:
        audit_policies().drop("test")

    record = AuditRecord.objects.get(action="export.request")
    assert record.context["evidence"]["query"] == {"filter": {"col": "name", "op": "eq", "value": "***"}}


def test_request_is_told_and_may_be_vetoed(ann: User):
    heard: list[GridEvent] = []

    def veto(event: GridEvent, **_kwargs: object) -> None:
        heard.append(event)
        raise EventRejected("not today")

    signal = signal_for("export:request", Moment.BEFORE)
    signal.connect(veto)
    try:
        with pytest.raises(EventRejected, match="not today"):
            ask(ann)
    finally:
        signal.disconnect(veto)
    assert not ExportJob.objects.exists()
    assert not AuditRecord.objects.exists()
    assert heard[0].grid == GRID
    assert heard[0].payload["format"] == "csv"
    assert heard[0].payload["query"]["search"] == ""


def test_who_may_not_export_is_refused(db: None):
    user = person("carl")
    user.user_permissions.filter(codename="export_grid").delete()
    user.user_permissions.remove(*user.user_permissions.filter(codename="export_grid"))

    with pytest.raises(AccessDeniedError, match="export_grid"):
        ask(User.objects.get(pk=user.pk))


def test_nobody_in_particular_may_not_export(db: None):
    access = GridAccess(ExportGrid, AnonymousUser())
    with pytest.raises(AccessDeniedError):
        request_export(access, ExportRequest(GridQuery(), "csv"))


def test_an_unknown_format_is_refused(ann: User):
    with pytest.raises(UnknownFormatError):
        ask(ann, "docx")


@pytest.mark.parametrize(
    ("name", "options", "pointer"),
    [
        ("csv", {"delimiter": "x"}, "/options/delimiter"),
        ("csv", {"colour": "red"}, "/options"),
        ("json", {"bom": True}, "/options"),
        ("lines", {"anything": 1}, "/options"),
        ("pdf", {"orientation": 7}, "/options/orientation"),
    ],
)
def test_options_that_the_format_does_not_take_are_refused(ann: User, name: str, options: Any, pointer: str):
    with pytest.raises(ExportOptionsError) as caught:
        ask(ann, name, options=options)
    assert caught.value.errors[0].pointer == pointer


def test_more_rows_than_the_format_takes_are_refused_at_the_door(ann: User, registry: ExporterRegistry):
    class Small(Recorder):
        max_rows = 3

    registry.register("small", Small)
    products(4)

    with pytest.raises(ExportTooLargeError, match="more than 3"):
        ask(ann, "small")
    assert ask(ann, "small", filter={"col": "stock", "op": "lt", "value": 3}).state == JobState.QUEUED


def test_jobs_under_way_are_limited_for_each_user(ann: User, bob: User, settings: Any):
    settings.GRIDKIT = {"EXPORT_JOBS_PER_USER": 2}
    first, _second = ask(ann), ask(ann)

    with pytest.raises(ExportLimitError, match="2 of your exports"):
        ask(ann)
    assert ExportJob.objects.filter(owner=ann).count() == 2, "the refused job leaves no row"
    assert AuditRecord.objects.filter(action="export.request").count() == 2
    ask(bob)
    ExportJob.objects.filter(pk=first.pk).update(state=JobState.FINISHED)
    ask(ann)


def test_the_owner_is_locked_where_rows_can_be(ann: User):
    job = ask(ann)
    with connection.execute_wrapper(lambda execute, sql, *rest: seen.append(sql) or execute(sql, *rest)):
        seen: list[str] = []
        lock_user(job.owner_id, "default")

    assert [("FOR UPDATE" in sql) for sql in seen] == ([True] if connection.vendor == "postgresql" else [])


def test_a_queued_job_goes_over_the_wire_in_plain_values(ann: User):
    job = ask(ann)

    assert describe_job(job) == {
        "id": str(job.pk), "grid": GRID, "format": "csv", "state": "queued", "progress": 0.0, "rows": 0,
        "rowsTotal": None, "createdAt": job.created_at.isoformat(), "startedAt": None, "finishedAt": None,
        "expiresAt": None, "size": 0, "error": None, "name": "", "stage": "", "rate": None, "secondsLeft": None,
        "queuePosition": 1, "attempts": 0, "consistency": "", "remarks": [],
    }  # fmt: skip
