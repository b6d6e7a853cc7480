"""A column that a user may not see does not exist: every way of asking answers byte for byte alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.exports import BaseExporter, ExporterRegistry, create_export
from gridkit_django.grids.methods import MethodCall, MethodResult, MethodSpec
from tests.api.conftest import PRODUCTS, Provider, client_of

HIDDEN = "price"
"""A column of the grid that needs `shop.view_price`."""

UNKNOWN = "prize"
"""No column at all; as long as the hidden one, so that lengths can be compared."""


class NullExporter(BaseExporter):
    """Writes nothing: these exports are refused before a worker sees them."""

    format = "null"
    label = "Nothing"
    content_type = "text/plain"
    extension = "txt"

    def write(self, rows: Any) -> None:
        """Forget the rows."""

    def finish(self) -> None:
        """End the file."""


@pytest.fixture(autouse=True)
def export_method(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer a method that makes an export, as the export plugin does."""
    registry = ExporterRegistry()
    registry.register("null", NullExporter, owner="@t/null")
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "exporters", registry, raising=False)

    def export(call: MethodCall) -> MethodResult:
        job = create_export(call.grid, call.query, "null", User.objects.get(pk=call.user_id))
        return MethodResult(202, {"job": {"id": str(job.pk)}})

    provider.specs = [MethodSpec("export", "Export", "@t/null", {}, permission="export_grid")]
    provider.answer = export


@pytest.fixture
def client(make_user: Callable[..., User]) -> APIClient:
    """May do everything with the grid, but does not see prices."""
    rights = ("gridkit_django.open_grid", "gridkit_django.edit_grid", "gridkit_django.export_grid")
    return client_of(make_user("half-blind", *rights))


def rows(client: APIClient, question: dict[str, Any]) -> Any:
    return client.post(PRODUCTS + "rows/", question, format="json")


def leaf(name: str, op: str = "eq", value: Any = "1.50") -> dict[str, Any]:
    return {"col": name, "op": op, "value": value}


WAYS: dict[str, Callable[[APIClient, str, int], Any]] = {
    "select": lambda client, name, _key: rows(client, {"columns": ["sku", name]}),
    "select by link": lambda client, name, _key: client.get(PRODUCTS + "rows/", {"q": json.dumps({"columns": [name]})}),
    "sort": lambda client, name, _key: rows(client, {"sort": [{"col": name, "dir": "desc"}]}),
    "sort by nulls": lambda client, name, _key: rows(client, {"sort": [{"col": name, "dir": "asc", "nulls": "first"}]}),
    "filter": lambda client, name, _key: rows(client, {"filter": leaf(name)}),
    "filter with a wrong operator": lambda client, name, _key: rows(client, {"filter": leaf(name, "contains")}),
    "filter with a wrong value": lambda client, name, _key: rows(client, {"filter": leaf(name, value="many")}),
    "filter in a tree": lambda client, name, _key: rows(
        client, {"filter": {"or": [leaf("stock", "gt", 5), {"not": leaf(name, "gte", "1")}]}}
    ),
    "edit": lambda client, name, key: client.patch(
        f"{PRODUCTS}records/{key}/", {"changes": {name: "1"}}, format="json", headers={"If-Match": "*"}
    ),
    "edit of an old version": lambda client, name, key: client.patch(
        f"{PRODUCTS}records/{key}/", {"changes": {name: "1"}}, format="json", headers={"If-Match": '"old"'}
    ),
    "edit under a query": lambda client, name, key: client.patch(
        f"{PRODUCTS}records/{key}/",
        {"changes": {"name": "x"}, "query": {"filter": leaf(name)}},
        format="json",
        headers={"If-Match": "*"},
    ),
    "saved view": lambda client, name, _key: client.post(
        PRODUCTS + "views/", {"name": "x", "state": {"query": {"sort": [{"col": name}]}}}, format="json"
    ),
    "layout of a saved view": lambda client, name, _key: client.post(
        PRODUCTS + "views/", {"name": "x", "state": {"layout": {"columns": [{"col": name, "width": 9}]}}}, format="json"
    ),
    "last state": lambda client, name, _key: client.put(
        PRODUCTS + "state/", {"state": {"query": {"group": [name]}}}, format="json"
    ),
    "export of columns": lambda client, name, _key: client.post(
        PRODUCTS + "methods/export/", {"query": {"columns": [name]}}, format="json"
    ),
    "export of a filter": lambda client, name, _key: client.post(
        PRODUCTS + "methods/export/", {"query": {"filter": leaf(name)}}, format="json"
    ),
    "export of an order": lambda client, name, _key: client.post(
        PRODUCTS + "methods/export/", {"query": {"sort": [{"col": name, "dir": "asc"}]}}, format="json"
    ),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("way", WAYS)
def test_hidden_and_unknown_column_answer_byte_for_byte_alike(client: APIClient, products: list[Any], way: str) -> None:
    answers = [WAYS[way](client, name, products[0].pk) for name in (HIDDEN, UNKNOWN)]
    hidden, unknown = (_neutral(answer) for answer in answers)
    assert hidden == unknown
    assert answers[0].status_code == answers[1].status_code == 422
    assert answers[0].json()["code"] == "column-unknown"
    assert dict(answers[0].headers) == {**dict(answers[1].headers), "X-Request-ID": answers[0]["X-Request-ID"]}
    products[0].refresh_from_db()
    assert products[0].name == "Thing 1"


@pytest.mark.both_databases
def test_search_does_not_find_a_hidden_value(client: APIClient, editor: APIClient, products: list[Any]) -> None:
    found = rows(client, {"search": "1.50", "count": "exact"}).json()
    nothing = rows(client, {"search": "1.57", "count": "exact"}).json()
    for answer in (found, nothing):
        answer.pop("meta")
        answer["state"].pop("search")
    assert found == nothing
    assert found["count"]["value"] == 0


def test_nothing_that_the_user_can_read_tells_of_the_column(client: APIClient, products: list[Any]) -> None:
    key = products[0].pk
    for address in ("", "schema/", "methods/", f"records/{key}/", "rows/", "jobs/"):
        assert HIDDEN.encode() not in client.get(PRODUCTS + address).content, address


def test_change_of_a_hidden_value_does_not_change_the_version(client: APIClient, products: list[Any]) -> None:
    address = f"{PRODUCTS}records/{products[0].pk}/"
    before = client.get(address)["ETag"]
    products[0].price = 99
    products[0].save()
    assert client.get(address)["ETag"] == before


def _neutral(response: Any) -> bytes:
    """Return the body with the name and the request's id blotted out."""
    body: bytes = response.content
    for word in (HIDDEN, UNKNOWN, response["X-Request-ID"]):
        body = body.replace(word.encode(), b"*")
    return body
