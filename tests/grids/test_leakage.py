"""A column that a user may not see does not exist: no way of asking tells that it is there or what it holds.

The clerk may not see the customers' e-mail addresses (through a relation) and the products' prices (in the row itself).
Each probe is sent once with the hidden name and once with a name that never existed; the answers must be equal.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.exceptions import GridKitError
from gridkit_django.grids import Grid, GridAccess, TextColumn
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import compile_query
from gridkit_django.grids.schema import grid_schema, schema_etag
from tests.grids.shop import ADMIN, CLERK, OrderGrid, ProductGrid, ask, make_orders, make_products, values
from tests.shop.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

GHOST = "neverwas"


@pytest.fixture
def clerk() -> User:
    return User.objects.create(username="clerk")


def outcome(grid: type[Grid], user: Any, query: dict[str, Any]) -> Any:
    """All that a client gets to see of an answer."""
    try:
        page = ask(grid, user, **query)
    except GridKitError as error:
        return error.code, error.detail, error.errors, error.extra
    return page.rows, page.count


PROBES: list[Callable[[str], dict[str, Any]]] = [
    lambda name: {"columns": [name]},
    lambda name: {"columns": ["id", name]},
    lambda name: {"sort": [{"col": name}]},
    lambda name: {"sort": [{"col": "id"}, {"col": name, "dir": "desc", "nulls": "first"}]},
    lambda name: {"filter": {"col": name, "op": "starts", "value": "a"}},
    lambda name: {"filter": {"col": name, "op": "contains", "value": "a", "ci": False}},
    lambda name: {"filter": {"col": name, "op": "blank"}},
    lambda name: {"filter": {"col": name, "op": "isTrue"}},
    lambda name: {"filter": {"col": name, "op": "gt", "value": 5}},
    lambda name: {"filter": {"col": name, "op": "in", "value": []}},
    lambda name: {"filter": {"col": name, "op": "between", "value": "x", "to": {"no": 1}}},
    lambda name: {"filter": {"or": [{"col": "id", "op": "nblank"}, {"not": {"col": name, "op": "blank"}}]}},
    lambda name: {"filter": {"col": f"{name}__startswith", "op": "eq", "value": "a"}},
    lambda name: {"filter": {"col": name, "op": "eq", "value": "a"}, "count": "exact"},
    lambda name: {"sort": [{"col": name}], "window": {"kind": "cursor", "after": "forged"}},
    lambda name: {"columns": [name], "sort": [{"col": name}], "filter": {"col": name, "op": "blank"}},
]


@pytest.mark.parametrize("number", range(len(PROBES)))
@pytest.mark.parametrize(("grid", "hidden"), [(OrderGrid, "email"), (ProductGrid, "price")])
def test_hidden_column_answers_like_one_that_never_was(number: int, grid: type[Grid], hidden: str, clerk: User) -> None:
    make_orders(3)
    told = [
        json.dumps(outcome(grid, clerk, PROBES[number](name)), default=repr).replace(name, "NAME")
        for name in (hidden, GHOST)
    ]
    assert told[0] == told[1]
    assert "column-unknown" in told[0] or "query-invalid" in told[0]


@pytest.mark.parametrize("path", ["customer__email", "customer__name", "product__price", "pk", "customer_id"])
def test_orm_path_is_no_way_in_even_for_those_who_see_the_column(path: str) -> None:
    told = [json.dumps(outcome(OrderGrid, ADMIN, probe(path)), default=repr).replace(path, "NAME") for probe in PROBES]
    ghost = [
        json.dumps(outcome(OrderGrid, ADMIN, probe(GHOST)), default=repr).replace(GHOST, "NAME") for probe in PROBES
    ]
    assert told == ghost


def test_search_does_not_look_into_hidden_columns(clerk: User) -> None:
    make_orders(3)
    assert len(ask(OrderGrid, ADMIN, search="secret").rows) == 3
    assert ask(OrderGrid, CLERK, search="secret").rows == ()
    make_products([{"price": Decimal("77.77"), "name": "x"}])
    assert len(ask(ProductGrid, ADMIN, search="77.77").rows) == 1
    assert ask(ProductGrid, clerk, search="77.77").rows == ()


def test_sql_for_the_clerk_does_not_touch_the_hidden_column(clerk: User) -> None:
    access = GridAccess(OrderGrid, CLERK)
    query = {"search": "x", "filter": {"col": "customer_name", "op": "ne", "value": "y"}}
    compiled = compile_query(access, GridQuery.from_dict(query))
    assert "email" not in str(compiled.queryset.values_list(*compiled.paths).query)


def test_default_sort_by_a_hidden_column_falls_away(clerk: User) -> None:
    make_products(
        [{"sku": "DEAR", "price": Decimal(9), "name": "z"}, {"sku": "CHEAP", "price": Decimal(1), "name": "a"}]
    )
    assert values(ask(ProductGrid, ADMIN), "sku") == ["DEAR", "CHEAP"]
    page = ask(ProductGrid, clerk)
    assert values(page, "sku") == ["CHEAP", "DEAR"]
    assert [term.col for term in page.query.sort] == ["name"]


def test_rows_hold_no_hidden_column_and_their_version_does_not_tell_of_its_changes(clerk: User) -> None:
    make_products([{"sku": "ONE"}])
    before = ask(ProductGrid, clerk).rows[0]
    assert "price" not in before.data
    as_admin = ask(ProductGrid, ADMIN).rows[0].version
    Product.objects.update(price=Decimal("5.55"))
    assert ask(ProductGrid, clerk).rows[0] == before
    assert ask(ProductGrid, ADMIN).rows[0].version != as_admin


def decoded(cursor: str) -> str:
    """What a curious client reads in a cursor: it is signed and not encrypted."""
    text = cursor.rsplit(":", 2)[0]
    packed = text.startswith(".")
    raw = base64.urlsafe_b64decode(text.removeprefix(".") + "==")
    return (zlib.decompress(raw) if packed else raw).decode()


def test_cursor_holds_only_what_the_user_sorted_by(clerk: User) -> None:
    make_products([{"price": Decimal("77.77"), "name": f"secret name {n}", "stock": 5} for n in range(3)])
    page = ask(ProductGrid, clerk, sort=[{"col": "stock"}], window={"kind": "cursor", "size": 1})
    assert page.window.next
    held = json.loads(decoded(page.window.next))
    assert held["k"] == [5, page.rows[0].id]
    assert "secret" not in decoded(page.window.next)
    default = ask(ProductGrid, clerk, window={"kind": "cursor", "size": 1}).window.next
    assert default
    assert "77.77" not in decoded(default)


def test_schema_does_not_name_hidden_columns(clerk: User) -> None:
    schema = grid_schema(GridAccess(ProductGrid, clerk))
    assert "price" not in json.dumps(schema).replace("Can see the price", "")
    assert schema_etag(schema) != schema_etag(grid_schema(GridAccess(ProductGrid, ADMIN)))


def test_count_is_no_oracle(clerk: User) -> None:
    """A right and a wrong guess about a hidden value cost the same answer."""
    make_products([{"price": Decimal("77.77")}])
    guesses = [
        outcome(ProductGrid, clerk, {"count": "exact", "filter": {"col": "price", "op": "eq", "value": guess}})
        for guess in ("77.77", "11.11", "no number")
    ]
    assert guesses[0] == guesses[1] == guesses[2]


def test_rows_hidden_by_row_permission_show_in_no_count_window_or_search() -> None:
    class OwnOrders(Grid):
        customer_name = TextColumn("customer__name")

        class Meta:
            model = Order
            id = "own-orders"
            columns = ["id", "customer_name", "note"]
            search = ["customer_name"]
            row_permission = staticmethod(lambda rows, user: rows.filter(customer__name="Ann"))

    make_orders(6)
    page = ask(OwnOrders, CLERK, count="exact")
    assert set(values(page, "customer_name")) == {"Ann"}
    assert page.count.value == len(page.rows) == 4
    assert ask(OwnOrders, CLERK, search="bob").rows == ()
    everyone = {"or": [{"col": "id", "op": "nblank"}, {"col": "customer_name", "op": "eq", "value": "Bob"}]}
    assert len(ask(OwnOrders, CLERK, filter=everyone).rows) == 4
