"""The page of one export job in the admin: its file and what can be done to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from gridkit_django.exports.files import FOLDER, save_file
from gridkit_django.models import ExportJob, JobState
from tests.exports.shop import GRID, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("export_site")]
QUERY: Any = {"columns": ["sku"], "sort": [{"col": "sku", "dir": "desc"}]}


def staff(name: str, *rights: str) -> tuple[User, Client]:
    user = person(name, "gridkit_django.view_exportjob", *rights)
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return user, client


def job(owner: User, state: str, **more: Any) -> ExportJob:
    told = {"grid": GRID, "format": "csv", "owner": owner, "state": state, "query": QUERY}
    return ExportJob.objects.create(**{**told, **more})


def page(item: ExportJob) -> str:
    return f"/admin/gridkit_django/exportjob/{item.pk}/change/"


def verb(item: ExportJob, name: str) -> str:
    return f"/admin/gridkit_django/exportjob/{item.pk}/do/{name}/"


def test_the_owner_gets_the_file_and_the_same_once_more_and_other_readers_get_neither() -> None:
    ann, hers = staff("ann")
    _boss, other = staff("boss", "gridkit_django.change_exportjob")
    file = save_file(f"{FOLDER}/{ann.pk}-page.csv", ContentFile(b"a"))
    item = job(ann, JobState.FINISHED, file_name=file, expires_at=timezone.now() + timedelta(hours=1))
    text = hers.get(page(item)).content.decode()
    assert f"/jobs/{item.pk}/result/" in text
    assert verb(item, "again") in text
    text = other.get(page(item)).content.decode()
    assert "/result/" not in text
    assert "/do/" not in text
    assert "not by you" in other.post(verb(item, "again"), follow=True).content.decode()
    assert ExportJob.objects.count() == 1

    answer = hers.post(verb(item, "again"))
    made = ExportJob.objects.exclude(pk=item.pk).get()
    assert answer["Location"] == page(made)
    assert (made.state, made.owner, made.query["columns"]) == (JobState.QUEUED, ann, ["sku"])
    ExportJob.objects.filter(pk=item.pk).update(expires_at=timezone.now())
    assert "/result/" not in hers.get(page(item)).content.decode()


def test_picked_rows_are_those_of_the_export_that_is_made_once_more() -> None:
    ann, hers = staff("ann")
    picked = {"query": None, "include": [7, 8], "exclude": [8]}
    item = job(ann, JobState.FINISHED, selection=picked)
    hers.post(verb(item, "again"))
    assert ExportJob.objects.exclude(pk=item.pk).get().selection == picked


def test_who_may_change_jobs_stops_and_retries_anybodys_and_readers_do_neither() -> None:
    ann = person("ann")
    _boss, boss = staff("boss", "gridkit_django.change_exportjob")
    _eve, eve = staff("eve")
    item = job(ann, JobState.QUEUED)
    assert "/do/" not in eve.get(page(item)).content.decode()
    eve.post(verb(item, "cancel"))
    item.refresh_from_db()
    assert item.state == JobState.QUEUED
    for name, state in (("cancel", JobState.CANCELLED), ("retry", JobState.QUEUED)):
        assert verb(item, name) in boss.get(page(item)).content.decode()
        boss.get(verb(item, name))
        boss.post(verb(item, name))
        item.refresh_from_db()
        assert item.state == state


def test_a_refusal_is_told_and_what_is_not_there_is_not_found() -> None:
    ann, hers = staff("ann")
    item = job(ann, JobState.FINISHED, query={"columns": ["gone"]})
    assert "no column" in hers.post(verb(item, "again"), follow=True).content.decode()
    assert hers.post(verb(item, "explode")).status_code == 404
    address = verb(item, "again")
    item.delete()
    assert hers.post(address).status_code == 404
    nobody = person("clerk")
    nobody.is_staff = True
    nobody.save()
    hers.force_login(nobody)
    assert hers.post(verb(job(ann, JobState.QUEUED), "cancel")).status_code == 403


def test_what_was_asked_for_stands_in_words_with_the_labels_that_the_reader_sees() -> None:
    ann, hers = staff("ann")
    late = {"or": [{"col": "stock", "op": "gt", "value": 3}, {"col": "sku", "op": "blank"}]}
    query = {
        "columns": ["sku", "stock"],
        "filter": {"and": [{"col": "sku", "op": "contains", "value": "<b>"}, late]},
        "search": "ship",
        "sort": [{"col": "sku", "dir": "desc"}, {"col": "stock", "dir": "asc"}],
        "tz": "Europe/Vienna",
    }
    options = {"delimiter": ";", "bom": True}
    text = hers.get(
        page(job(ann, JobState.FAILED, query=query, options=options, error_detail="No <disk>."))
    ).content.decode()
    for said in (
        "<dd>Sku, Stock</dd>",
        "Sku contains “&lt;b&gt;” and (Stock is more than 3 or Sku is empty)",
        "<dd>ship</dd>",
        "<dd>Sku, descending, Stock</dd>",
        "<dd>Europe/Vienna</dd>",
        "<dt>Delimiter</dt><dd>semicolon</dd>",
        "<dd>yes</dd>",
        "No &lt;disk&gt;.",
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ({"query": None, "include": [7, 8], "exclude": []}, "2 picked rows"),
        ({"query": {"search": "", "filter": None}, "include": [], "exclude": [7]}, "all, without 1 row"),
        (
            {
                "query": {"filter": {"not": {"col": "sku", "op": "in", "value": ["a", "b"]}}},
                "include": [],
                "exclude": [],
            },
            "not (Sku is one of “a”, “b”)",
        ),
    ],
)
def test_picked_rows_stand_in_words(selection: Any, said: str) -> None:
    ann, hers = staff("ann")
    assert said in hers.get(page(job(ann, JobState.FINISHED, selection=selection, rows_done=2))).content.decode()


def test_a_question_that_the_reader_may_not_see_is_not_shown_and_lines_without_anything_to_say_are_left_out() -> None:
    ann, _hers = staff("ann")
    _eve, eve = staff("eve")
    text = eve.get(page(job(ann, JobState.QUEUED, query={"columns": ["price"]}, format="gone"))).content.decode()
    assert "Not shown" in text
    assert "rice" not in text.split('id="content"')[1]
    assert ("field-stage" in text, "field-retry_at" in text) == (False, False)
    waits = eve.get(page(job(ann, JobState.QUEUED, retry_at=timezone.now()))).content.decode()
    assert ("field-retry_at" in waits, "Tried again not before" in waits) == (True, True)
    running = job(ann, JobState.RUNNING, stage="writing", rows_done=3, rows_total=9)
    assert "field-stage" in eve.get(page(running)).content.decode()
    stopped = job(ann, JobState.CANCELLED, rows_done=3, rows_total=9, options={"odd": [1]}, format="gone")
    text = eve.get(page(stopped)).content.decode()
    assert "3 of 9 rows" in text
    assert "<dt>odd</dt><dd>[1]</dd>" in text


def test_remarks_of_the_file_are_shown_to_whom_its_question_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    ann, hers = staff("ann")
    silent = job(ann, JobState.FINISHED)
    item = job(ann, JobState.FINISHED, plan={"remarks": ["One letter is a box."]})

    assert "One letter is a box." in hers.get(page(item)).content.decode()
    assert "Remarks" not in hers.get(page(silent)).content.decode()
    monkeypatch.setattr("gridkit_django.admin.exports.may_see_query", lambda _job, _user: False)
    assert "One letter is a box." not in hers.get(page(item)).content.decode()
