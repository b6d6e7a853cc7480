"""Methods over HTTP: listing, calling, and the job that a call may start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.exceptions import PluginMethodError
from gridkit_django.grids.methods import MethodCall, MethodResult, MethodSpec
from gridkit_django.models import ExportJob
from tests.api.conftest import PRODUCTS, Provider, client_of
from tests.api.test_base import assert_problem
from tests.api.test_jobs import finished_job

METHODS = PRODUCTS + "methods/"
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


@pytest.fixture(autouse=True)
def specs(provider: Provider) -> None:
    provider.specs = [
        MethodSpec("count", "Count", "@t/counter", SCHEMA),
        MethodSpec("change", "Change", "@t/changer", {}, permission="edit_grid"),
    ]


def test_list_holds_what_the_user_may_call(reader: APIClient, editor: APIClient) -> None:
    assert reader.get(METHODS).json()["results"] == [
        {"name": "count", "label": "Count", "plugin": "@t/counter", "schema": SCHEMA}
    ]
    assert [item["name"] for item in editor.get(METHODS).json()["results"]] == ["count", "change"]


def test_call_answers_the_result(reader: APIClient, provider: Provider) -> None:
    body = {"arguments": {"n": 2}, "query": {"search": "x"}}
    response = reader.post(METHODS + "count/", body, format="json")
    assert (response.status_code, response.json()) == (200, {"result": 1})
    assert (provider.calls[0].arguments, provider.calls[0].query) == ({"n": 2}, {"search": "x"})
    assert provider.calls[0].actor.label == "reader"


def test_call_without_a_body_passes_no_arguments(reader: APIClient, provider: Provider) -> None:
    assert reader.post(METHODS + "count/").status_code == 200
    assert (provider.calls[0].arguments, provider.calls[0].query) == ({}, None)


def test_export_that_is_asked_for_as_a_file_is_answered_with_it_where_it_is_small(
    make_user: Callable[..., User], provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(call: MethodCall) -> MethodResult:
        job = finished_job(User.objects.get(pk=call.user_id), b"a\r\n1\r\n")
        return MethodResult(202, {"job": {"id": str(job.pk)}, "answer": "file"})

    provider.answer = start
    client = client_of(make_user("ann", "gridkit_django.open_grid", "gridkit_django.export_grid"))
    monkeypatch.setattr("gridkit_django.api.views.methods.answer_at_once", lambda job: True)
    response = client.post(METHODS + "count/", {}, format="json")
    assert (response.status_code, response.getvalue()) == (200, b"a\r\n1\r\n")
    monkeypatch.setattr("gridkit_django.api.views.methods.answer_at_once", lambda job: False)
    assert client.post(METHODS + "count/", {}, format="json").status_code == 202


def test_call_that_starts_a_job_answers_202_with_its_address(reader: APIClient, provider: Provider) -> None:
    def start(call: MethodCall) -> MethodResult:
        job = ExportJob.objects.create(grid=call.grid, format="csv", owner_id=call.user_id)
        return MethodResult(202, {"job": {"id": str(job.pk)}})

    provider.answer = start
    response = reader.post(METHODS + "count/", {}, format="json")
    job = response.json()["job"]
    assert (response.status_code, response["Location"]) == (202, job["url"])
    assert (job["state"], job["progress"], job["rows"], job["resultUrl"]) == ("queued", 0.0, 0, None)
    assert reader.get(job["url"]).json() == job


def test_missing_method_and_one_without_the_right_answer_alike(reader: APIClient) -> None:
    missing = assert_problem(reader.post(METHODS + "nothin/", {}, format="json"), 404, "method-not-found")
    closed = assert_problem(reader.post(METHODS + "change/", {}, format="json"), 404, "method-not-found")
    assert missing["detail"].replace("nothin", "change") == closed["detail"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"arguments": {"n": "x"}}, "method-arguments-invalid", "/arguments/n"),
        ({"arguments": []}, "body-invalid", "/arguments"),
        ({"args": {}}, "body-invalid", "/args"),
    ],
)
def test_call_with_wrong_arguments_is_refused_with_the_place(
    reader: APIClient, provider: Provider, body: Any, code: str, pointer: str
) -> None:
    document = assert_problem(reader.post(METHODS + "count/", body, format="json"), 422, code)
    assert document["errors"][0]["pointer"] == pointer
    assert provider.calls == []


def test_method_that_fails_is_named(reader: APIClient, provider: Provider) -> None:
    def fail(_call: MethodCall) -> MethodResult:
        raise PluginMethodError("The method 'count' of @t/counter failed.")

    provider.answer = fail
    document = assert_problem(reader.post(METHODS + "count/", {}, format="json"), 500, "plugin-method-failed")
    assert "@t/counter" in document["detail"]


def test_stranger_finds_no_method(make_user: Callable[..., User], stranger: APIClient, provider: Provider) -> None:
    assert_problem(stranger.post(METHODS + "count/", {}, format="json"), 404, "grid-not-found")
    assert provider.calls == []
