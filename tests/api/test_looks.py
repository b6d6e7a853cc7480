"""Looks at rows: recorded where a policy wants them, one record a page, with the keys that were seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.grids import Grid, grid_registry, looks
from gridkit_django.models import AuditRecord
from tests.api.conftest import PRODUCTS
from tests.shop.models import Order, Product

NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def policies() -> Iterator[Any]:
    """Declare policies over products for a test."""

    def declare(**options: Any) -> None:
        audit_policies().set("test", [AuditPolicy(model_label="shop.product", actions=NOTHING, **options)])

    yield declare
    audit_policies().drop("test")


def ask(client: APIClient, **question: Any) -> Any:
    response = client.post(f"{PRODUCTS}rows/", question, format="json")
    assert response.status_code == 200, response.content
    return response.json()


def told(action: str) -> list[AuditRecord]:
    return list(AuditRecord.objects.filter(action=action))


def test_page_leaves_one_record_with_its_keys(editor: APIClient, products: list[Product], policies: Any) -> None:
    policies(views=1.0)
    ask(editor, filter={"col": "stock", "op": "gte", "value": 40}, columns=["sku"])
    (found,) = told("row.view")
    assert (found.actor_label, found.grid, found.target_type) == ("editor", "api-products", "grid")
    assert found.evidence == {
        "rows": [products[3].pk, products[4].pk],
        "columns": ["sku"],
        "query": {"filter": {"col": "stock", "op": "gte", "value": 40}},
    }


def test_single_row_leaves_a_record_of_the_row(editor: APIClient, products: list[Product], policies: Any) -> None:
    policies(views=1.0)
    editor.get(f"{PRODUCTS}records/{products[0].pk}/")
    (found,) = told("row.view")
    assert (found.target_type, found.target_id) == ("shop.product", str(products[0].pk))


def test_without_a_policy_looks_leave_nothing(editor: APIClient, products: list[Product], policies: Any) -> None:
    ask(editor)
    policies(views=1.0, grid="api-customers")
    ask(editor)
    editor.get(f"{PRODUCTS}records/{products[0].pk}/")
    assert told("row.view") == []


def test_share_of_looks_is_told(
    editor: APIClient, products: list[Product], policies: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies(views=0.5)
    draws = iter([0.4, 0.6])
    monkeypatch.setattr(looks.random, "random", lambda: next(draws))
    ask(editor)
    ask(editor)
    assert len(told("row.view")) == 1


def test_filter_sort_and_search_by_hidden_values_are_told_without_them(
    editor: APIClient, products: list[Product], policies: Any
) -> None:
    policies(mask=frozenset({"price", "name"}), views=1.0)
    both = [{"col": "price", "op": "eq", "value": "1.50"}, {"col": "sku", "op": "eq", "value": "S1"}]
    ask(editor, filter={"and": both})
    ask(editor, sort=[{"col": "price", "dir": "asc"}])
    ask(editor, search="Thing 1")
    ask(editor, filter={"col": "sku", "op": "eq", "value": "S1"})
    ask(editor, group=["name"], aggregates=[{"fn": "max", "col": "price", "as": "most"}])
    ask(editor, columns=["sku"], include=[{"facets": ["name"]}])
    for address, question in (("facets/name/", {"q": "Thing"}), ("lookup/name/", {"q": "Thing"})):
        assert editor.post(f"{PRODUCTS}{address}", question, format="json").status_code == 200
    assert [item.evidence for item in reversed(told("filter.sensitive"))] == [
        {"columns": ["price"]},
        {"columns": ["price"]},
        {"columns": ["name"]},
        {"columns": ["name", "price"]},
        {"columns": ["name"]},
        {"columns": ["name"]},
        {"columns": ["name"]},
    ]
    first, _sorted, searched, plain, *_others = [item.evidence or {} for item in reversed(told("row.view"))]
    assert "1.50" not in str(first["query"])
    assert "S1" in str(first["query"])
    assert searched["query"]["search"] == "***"
    assert plain["query"]["filter"]["value"] == "S1"


class OrderGrid(Grid):
    """Orders, with what another model knows about the customer."""

    class Meta:
        model = Order
        id = "looks-orders"
        columns = ["quantity", "customer__email", "customer__name"]
        search = ["customer__name"]


@pytest.mark.usefixtures("policies")
def test_column_that_shows_a_masked_field_of_another_model_is_as_sensitive_as_that_field(editor: APIClient) -> None:
    hidden = AuditPolicy(model_label="shop.customer", actions=NOTHING, mask=frozenset({"email", "name"}))
    audit_policies().set("test", [hidden, AuditPolicy(model_label="shop.order", actions=NOTHING, views=1.0)])
    question = {"filter": {"col": "customer__email", "op": "eq", "value": "ada@example.org"}, "search": "Ada"}
    grid_registry().register(OrderGrid)
    try:
        editor.post("/gridkit/api/grids/looks-orders/rows/", question, format="json")
    finally:
        grid_registry().unregister(OrderGrid.options.id)
    assert [item.evidence for item in told("filter.sensitive")] == [{"columns": ["customer__email", "customer__name"]}]
    (seen,) = told("row.view")
    assert "ada" not in str(seen.evidence).lower()
