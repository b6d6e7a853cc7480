"""Odd but well-formed requests: each is answered or refused with a problem, never with an error of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.grids import (
    BooleanColumn,
    ChoiceColumn,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    FloatColumn,
    Grid,
    IntegerColumn,
    JSONColumn,
    TextColumn,
    TimeColumn,
    grid_registry,
)
from tests.api.conftest import client_of
from tests.shop.models import Product

URL = "/gridkit/api/grids/odd-products/"
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31,
    2**63,
    10**30,
    10**3000,
    1e308,
    5e-324,
    -0.0,
    "",
    " ",
    "0",
    "1e5000",
    "9" * 80,
    "NaN",
    "0001-01-01",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "24:00",
    "%",
    "\\",
    "'",
    "\U0001f600" * 300,
    "a" * 20_000,
    [],
    [[]],
    {},
    {"a": {"b": [10**400, 1e-400]}},
    [None] * 50,
]


class OddGrid(Grid):
    """Every column can be edited."""

    sku = TextColumn(editable=True)
    name = TextColumn(editable=True)
    category = ChoiceColumn(editable=True)
    price = DecimalColumn(editable=True)
    stock = IntegerColumn(editable=True)
    active = BooleanColumn(editable=True)
    attributes = JSONColumn(editable=True)
    description = TextColumn(editable=True)
    rating = FloatColumn(editable=True)
    released = DateColumn(editable=True)
    restocked = DateTimeColumn(editable=True)
    opens = TimeColumn(editable=True)
    discount = DecimalColumn(editable=True)

    class Meta:
        model = Product
        id = "odd-products"
        search = ["name"]
        creatable = True
        deletable = True
        time_zone = "Asia/Kathmandu"


@pytest.fixture
def client(db: None) -> Iterator[APIClient]:
    """Somebody who may do everything, and sees errors of the server as answers."""
    grid_registry().register(OddGrid)
    yield client_of(User.objects.create_superuser("boss"))
    grid_registry().unregister("odd-products")


def bodies(key: int, odd: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield requests that hold an odd value wherever one may stand."""
    yield "post", "bulk/", {"action": "delete", "selection": {"include": [odd]}, "expectedCount": 0}
    yield "post", "bulk/", {"action": "delete", "selection": {"query": {}}, "expectedCount": odd}
    yield "post", "batch/", {"atomic": False, "items": [{"op": "delete", "id": odd, "v": "x"}]}
    yield "post", "batch/", {"atomic": False, "items": [{"op": "delete", "id": key, "v": odd}]}
    yield "post", "batch/", {"items": [{"op": "create", "values": {}, "tempId": odd}]}
    yield "post", "undo/", {"token": odd}
    yield "post", "views/", {"name": odd, "state": {"query": {"pageSize": odd}}}
    yield "post", "views/", {"name": "v", "state": {"layout": {"columns": [{"col": "sku", "width": odd}]}}}
    yield "put", "state/", {"state": odd}
    yield "post", "events/", {"events": [{"type": "row:select", "payload": {"rowId": odd}}]}
    yield (
        "post",
        "events/",
        {"events": [{"type": "page:change", "payload": {"window": {"kind": "offset", "start": odd}}}]},
    )
    yield "post", "facets/name/", {"q": odd, "after": odd, "size": odd}
    yield "post", "facets/stock/", {"q": odd}
    yield "post", "facets/restocked/", {"q": odd}
    yield "post", "lookup/price/", {"q": odd}
    yield "post", "rows/", {"window": {"kind": "cursor", "after": odd, "size": odd}}
    yield "post", "rows/", {"tz": odd}
    yield "post", "rows/", {"view": odd}
    yield "post", "rows/", {"include": [odd]}
    yield "post", "methods/none/", {"arguments": odd, "query": odd}


@pytest.mark.both_databases
@pytest.mark.unmeasured
@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_value_anywhere_in_a_request_is_no_error_of_the_server(
    client: APIClient, products: list[Product], number: int
) -> None:
    for method, path, body in bodies(products[0].pk, ODD[number]):
        answer = getattr(client, method)(URL + path, body, format="json")
        assert answer.status_code < 500, (path, body, answer.content)
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json", path


@pytest.mark.both_databases
@pytest.mark.unmeasured
@pytest.mark.parametrize("column", list(OddGrid.columns()))
def test_odd_value_of_a_cell_is_saved_and_read_back_or_refused(
    client: APIClient, products: list[Product], column: str
) -> None:
    record = f"{URL}records/{products[0].pk}/"
    for odd in ODD:
        answer = client.patch(record, {"changes": {column: odd}}, format="json", headers={"If-Match": "*"})
        assert answer.status_code in (200, 422), (odd, answer.content[:300])
        if answer.status_code == 422:
            continue  # nothing was saved
        assert client.get(record).status_code == 200, odd
        rows = client.post(URL + "rows/", {"sort": [{"col": column}] if column != "attributes" else []}, format="json")
        assert rows.status_code == 200, (odd, rows.content[:300])


def test_odd_address_is_no_error_of_the_server(client: APIClient, make_user: Callable[..., User]) -> None:
    for part in (
        "0",
        "-1",
        "+1",
        "99999999999999999999999",
        "1e3",
        "%00",
        "%ED%A0%80",
        "٣",
        "a" * 3000,
        "..",
        "*",
        "'",
    ):
        for address in (f"records/{part}/", f"facets/{part}/", f"lookup/{part}/", f"methods/{part}/", f"views/{part}/"):
            for method in ("get", "post", "patch", "delete"):
                answer = getattr(client, method)(URL + address, {}, format="json", headers={"If-Match": "x"})
                assert answer.status_code < 500, (method, address, answer.content)
