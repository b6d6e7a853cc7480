"""Through every door and in every place of a query, a hidden column answers like one that never was.

One test for each door sends each place twice, once with the hidden name and once with one that names nothing, and
compares what comes back byte for byte. The same request by somebody who sees the column is not refused for the column:
else the test could not fail.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.exports import ExporterRegistry, create_export
from gridkit_django.grids import DecimalColumn, Grid, TextColumn, grid_registry
from gridkit_django.grids.methods import MethodCall, MethodResult, MethodSpec
from tests.api.conftest import Provider, client_of
from tests.exports.shop import Recorder
from tests.shop.models import Product

HIDDEN = "price"
UNKNOWN = "prize"
"""No column at all; as long as the hidden one, so that lengths can be compared."""

RIGHTS = ("gridkit_django.open_grid", "gridkit_django.edit_grid", "gridkit_django.export_grid", "shop.add_product")
URL = "/gridkit/api/grids/door-products/"


class DoorGrid(Grid):
    """Products that may be made; the price is for holders of `shop.view_price`."""

    sku = TextColumn(editable=True)
    name = TextColumn(editable=True)
    price = DecimalColumn(permission="shop.view_price", editable=True)

    class Meta:
        model = Product
        id = "door-products"
        columns = ["sku", "name", "category", "price", "stock", "rating"]
        search = ["name"]
        creatable = True

    @classmethod
    def new_row(cls, user: Any) -> Product:
        return Product(price=Decimal(1))


@pytest.fixture(autouse=True)
def door_grid() -> Iterator[None]:
    """Register the grid for the length of a test."""
    grid_registry().register(DoorGrid)
    yield
    grid_registry().unregister("door-products")


def record() -> str:
    """Return the address of a row."""
    return f"{URL}records/{Product.objects.get(sku='S1').pk}/"


SELECTING: dict[str, Callable[[str], dict[str, Any]]] = {
    "filter": lambda name: {"filter": {"col": name, "op": "gt", "value": "1"}},
    "filter by a wrong value": lambda name: {"filter": {"col": name, "op": "eq", "value": "many"}},
    "filter by a wrong operator": lambda name: {"filter": {"col": name, "op": "contains", "value": "1", "ci": False}},
    "filter by a filter": lambda name: {"filter": {"col": name, "op": "filter", "name": "cheap", "value": True}},
    "filter in a tree": lambda name: {
        "filter": {"or": [{"col": "stock", "op": "blank"}, {"not": {"col": name, "op": "in", "value": [None]}}]}
    },
    "group": lambda name: {"group": [name]},
    "group inside another": lambda name: {"group": ["category", name]},
    "group by a period": lambda name: {"group": [{"col": name, "by": "month"}]},
}
"""Places in what selects rows."""

IN_A_PATH: dict[str, Callable[[str], dict[str, Any]]] = {
    "group on the path": lambda name: {"group": [name], "path": ["1"]},
    "group on the path, without a key": lambda name: {"group": ["category", name], "path": ["", None]},
}

SHAPING: dict[str, Callable[[str], dict[str, Any]]] = {
    "columns": lambda name: {"columns": ["sku", name]},
    "columns beside groups": lambda name: {"group": ["category"], "columns": [name]},
    "sort": lambda name: {"sort": [{"col": name, "dir": "desc", "nulls": "first"}]},
    "sort behind a figure": lambda name: {
        "aggregates": [{"fn": "count", "as": "rows"}],
        "sort": [{"col": "rows"}, {"col": name}],
    },
    "sort of groups": lambda name: {"group": ["category"], "sort": [{"col": name}]},
    "aggregates": lambda name: {"aggregates": [{"col": name, "fn": "sum"}]},
    "aggregates of groups": lambda name: {"group": ["category"], "aggregates": [{"col": name, "fn": "countDistinct"}]},
    "aggregates by a wrong function": lambda name: {
        "aggregates": [{"col": "stock", "fn": "max"}, {"col": name, "fn": "avg"}]
    },
    "pivot by": lambda name: {"pivot": {"cols": [name], "values": [{"fn": "count"}]}},
    "pivot of": lambda name: {"pivot": {"cols": ["category"], "values": [{"col": name, "fn": "max", "as": "most"}]}},
    "pivot of groups": lambda name: {
        "group": ["category"],
        "pivot": {"cols": ["stock", name], "values": [{"fn": "count"}]},
    },
}
"""Places in what shapes an answer."""

INCLUDING: dict[str, Callable[[str], dict[str, Any]]] = {
    "totals": lambda name: {"aggregates": [{"col": name, "fn": "min"}], "include": ["totals"]},
    "facets": lambda name: {"include": [{"facets": ["category", name]}]},
}

STATES = {**SELECTING, **SHAPING}
QUERIES = {**SELECTING, **IN_A_PATH, **SHAPING, **INCLUDING}
SELECTIONS = {**SELECTING, **IN_A_PATH}
COLUMN = {"column": lambda name: {"column": name}}
EVENTS: dict[str, Callable[[str], dict[str, Any]]] = {
    **{
        kind: lambda name, kind=kind: {"type": kind, "payload": {"column": name}}
        for kind in ("column:show", "column:hide")
    },
    "column:move": lambda name: {"type": "column:move", "payload": {"column": name, "index": 0}},
    "column:resize": lambda name: {"type": "column:resize", "payload": {"column": name, "width": 9}},
    "column:pin": lambda name: {"type": "column:pin", "payload": {"column": name, "side": "left"}},
    "cell:focus": lambda name: {"type": "cell:focus", "payload": {"rowId": "S1", "column": name}},
    **{
        f"sort:change, {place}": lambda name, make=make: {"type": "sort:change", "payload": make(name)}
        for place, make in SHAPING.items()
        if place == "sort"
    },
    **{
        f"filter:apply, {place}": lambda name, make=make: {"type": "filter:apply", "payload": make(name)}
        for place, make in SELECTING.items()
        if place.startswith("filter")
    },
    **{
        f"export:request, {place}": lambda name, make=make: {
            "type": "export:request",
            "payload": {"format": "lines", "query": make(name)},
        }
        for place, make in STATES.items()
    },
}


def posted(address: str, **more: Any) -> Callable[[APIClient, Any], Any]:
    """Return a door that posts the question under ``query`` of a body."""
    return lambda client, asked: client.post(URL + address, {**more, "query": asked}, format="json")


def state(name: str, asked: Any) -> dict[str, Any]:
    return {"name": name, "state": {"query": asked}}


DOORS: dict[str, tuple[dict[str, Callable[[str], Any]], Callable[[APIClient, Any], Any]]] = {
    "rows": (QUERIES, lambda client, asked: client.post(URL + "rows/", asked, format="json")),
    "rows by a link": (QUERIES, lambda client, asked: client.get(URL + "rows/", {"q": json.dumps(asked)})),
    "export": (QUERIES, posted("methods/export/")),
    "method": (QUERIES, posted("methods/greet/")),
    "creation": (QUERIES, posted("records/", values={"sku": "NEW", "name": "New"})),
    "edit": (
        QUERIES,
        lambda client, asked: client.patch(
            record(),
            {"changes": {"name": "New"}, "query": asked},
            format="json",
            headers={"If-Match": "*"},
        ),
    ),
    "batch": (QUERIES, posted("batch/", items=[{"op": "create", "values": {"sku": "NEW", "name": "New"}}])),
    "batch of single changes": (
        QUERIES,
        posted("batch/", atomic=False, items=[{"op": "update", "id": "S1", "v": "?", "changes": {"name": "New"}}]),
    ),
    "bulk": (
        SELECTIONS,
        lambda client, asked: client.post(
            URL + "bulk/",
            {"action": "update", "selection": {"query": asked}, "expectedCount": 9, "changes": {"name": "New"}},
            format="json",
        ),
    ),
    "saved view": (STATES, lambda client, asked: client.post(URL + "views/", state("v", asked), format="json")),
    "layout of a saved view": (
        {"layout": lambda name: {"columns": [{"col": name, "hidden": True}]}},
        lambda client, asked: client.post(URL + "views/", {"name": "v", "state": {"layout": asked}}, format="json"),
    ),
    "last state": (
        STATES,
        lambda client, asked: client.put(URL + "state/", {"state": {"query": asked}}, format="json"),
    ),
    "filter of a facet": (
        {place: make for place, make in SELECTING.items() if place.startswith("filter")},
        lambda client, asked: client.post(URL + "facets/category/", asked, format="json"),
    ),
    "facet": (COLUMN, lambda client, asked: client.post(URL + f"facets/{asked['column']}/", {}, format="json")),
    "lookup": (COLUMN, lambda client, asked: client.post(URL + f"lookup/{asked['column']}/", {}, format="json")),
    "changes": (
        {"edit": lambda name: {name: "1"}},
        lambda client, asked: client.patch(record(), {"changes": asked}, format="json", headers={"If-Match": "*"}),
    ),
    "events": (EVENTS, lambda client, asked: client.post(URL + "events/", {"events": [asked]}, format="json")),
}


@pytest.fixture(autouse=True)
def methods(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer one method that makes an export, as the export plugin does, and one that does nothing."""
    registry = ExporterRegistry()
    registry.register("lines", Recorder, owner="@t/lines")
    monkeypatch.setattr(apps.get_app_config("gridkit_django"), "exporters", registry, raising=False)

    def answer(call: MethodCall) -> MethodResult:
        if call.method == "export":
            job = create_export(call.grid, call.query, "lines", User.objects.get(pk=call.user_id))
            return MethodResult(200, {"job": str(job.pk)})
        return MethodResult(200, {"result": 1})

    provider.specs = [
        MethodSpec("export", "Export", "@t/lines", {}, permission="export_grid"),
        MethodSpec("greet", "Greet", "@t/lines", {}),
    ]
    provider.answer = answer


def told(response: Any) -> tuple[int, str]:
    """Return all that a client gets to see, with the names, the request's id and the time that it took blotted out."""
    body = json.loads(response.content)
    for facts in (body, body.get("meta", {})):
        facts.pop("requestId", None)
        facts.pop("ms", None)
    return response.status_code, json.dumps(body).replace(HIDDEN, "NAME").replace(UNKNOWN, "NAME")


@pytest.mark.unmeasured
@pytest.mark.parametrize("door", DOORS)
def test_every_place_answers_alike_for_a_hidden_column_and_for_none(
    door: str, make_user: Callable[..., User], products: list[Any]
) -> None:
    places, send = DOORS[door]
    half_blind = client_of(make_user("half-blind", *RIGHTS))
    seeing = client_of(make_user("seeing", *RIGHTS, "shop.view_price"))
    for place, make in places.items():
        hidden, unknown = (told(send(half_blind, make(name))) for name in (HIDDEN, UNKNOWN))
        assert hidden == unknown, place
        assert "column-unknown" in hidden[1], (place, hidden)
        assert hidden[0] == (200 if door == "events" else 422), place
        assert not Product.objects.filter(name="New").exists(), place
        assert "column-unknown" not in told(send(seeing, make(HIDDEN)))[1], place
        Product.objects.filter(sku="NEW").delete()
        Product.objects.filter(name="New").update(name="Thing")
