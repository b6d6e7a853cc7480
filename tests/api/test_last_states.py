"""The state in which a person left a grid: kept for them alone, the last one stays, stale columns fall away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.models import GridState
from tests.api.conftest import PRODUCTS, client_of

URL = PRODUCTS + "state/"
STATE: dict[str, Any] = {
    "v": 1,
    "query": {"sort": [{"col": "price", "dir": "asc"}], "search": "thing"},
    "layout": {"columns": [{"col": "sku", "width": 120}, {"col": "price", "hidden": True}]},
}


def put(client: APIClient, state: Any) -> Any:
    return client.put(URL, {"state": state}, format="json")


@pytest.mark.both_databases
def test_last_state_is_kept_and_the_last_one_stays(editor: APIClient, reader: APIClient) -> None:
    assert editor.get(URL).json() == {"state": None, "changedAt": None, "dropped": []}
    first = put(editor, STATE)
    assert (first.status_code, first.json()["state"], first.json()["dropped"]) == (200, STATE, [])
    assert editor.get(URL).json() == first.json()
    second = put(editor, {})
    assert second.json()["state"] == {"v": 1, "query": {}, "layout": {}}
    assert second.json()["changedAt"] > first.json()["changedAt"]
    assert GridState.objects.count() == 1
    assert reader.get(URL).json()["state"] is None
    assert editor.get(URL.replace("products", "customers")).json()["state"] is None


@pytest.mark.both_databases
def test_what_does_not_exist_any_more_falls_away_on_reading(editor: APIClient) -> None:
    put(editor, STATE)
    user = User.objects.get(username="editor")
    user.user_permissions.remove(*user.user_permissions.filter(codename="view_price"))
    answer = editor.get(URL)
    assert answer.json()["dropped"] == ["/query/sort/0", "/layout/columns/1"]
    assert b"price" not in answer.content
    assert GridState.objects.get().state == STATE


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"state": {"query": {"columns": ["prize"]}}}, "column-unknown", "/state/query/columns/0"),
        ({"state": {"query": {"search": "x" * 70_000}}}, "view-invalid", "/state"),
        ({"state": {"zoom": 2}}, "query-invalid", "/state"),
        ({"state": None}, "body-invalid", "/state"),
        ({}, "body-invalid", "/state"),
    ],
)
def test_state_that_cannot_be_kept_is_refused_with_its_place(
    editor: APIClient, body: dict[str, Any], code: str, pointer: str
) -> None:
    answer = editor.put(URL, body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not GridState.objects.exists()


def test_hidden_and_unknown_column_are_refused_alike(reader: APIClient) -> None:
    hidden, unknown = (put(reader, {"query": {"columns": [name]}}).content for name in ("price", "prize"))
    assert hidden[:-60].replace(b"price", b"*") == unknown[:-60].replace(b"prize", b"*")


def test_state_is_closed_with_the_grid_and_throttled(
    stranger: APIClient, make_user: Callable[..., User], settings: Any
) -> None:
    assert stranger.get(URL).json()["code"] == put(stranger, STATE).json()["code"] == "grid-not-found"
    settings.GRIDKIT = {"THROTTLE_RATES": {"states": "1/hour"}}
    client = client_of(make_user("hasty", "gridkit_django.open_grid"))
    assert [put(client, {}).status_code for _ in range(2)] == [200, 429]
