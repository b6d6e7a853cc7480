"""The schema of a grid."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import translation

from gridkit_django.grids import GridAccess
from gridkit_django.grids.periods import PRESETS
from gridkit_django.grids.schema import grid_schema, schema_etag
from tests.grids.shop import ADMIN, OrderGrid, ProductGrid

LIMITS = {
    "pageSize": 500,
    "depth": 8,
    "nodes": 100,
    "inList": 1000,
    "sort": 8,
    "groups": 5,
    "aggregates": 50,
    "pivotColumns": 200,
    "searchLength": 200,
    "events": 500,
    "views": 100,
    "stateBytes": 65_536,
    "batch": 500,
    "bulkRows": 1_000_000,
}


@pytest.mark.django_db
def test_schema_says_all_that_a_front_end_needs() -> None:
    schema = grid_schema(GridAccess(ProductGrid, ADMIN))
    assert {key: schema[key] for key in schema if key not in {"columns", "methods"}} == {
        "v": 1,
        "id": "query-products",
        "label": "Products",
        "limits": LIMITS,
        "relative": list(PRESETS),
        "permissions": {"edit": True, "create": False, "delete": False, "export": True, "share": True},
        "defaultState": {
            "sort": [{"col": "price", "dir": "desc"}, {"col": "name", "dir": "asc"}],
            "columns": list(ProductGrid.columns()),
            "pageSize": 100,
        },
        "auditReason": None,
        "timeZone": "America/New_York",
    }
    columns = {column["id"]: column for column in schema["columns"]}
    assert columns["price"] == {
        "id": "price",
        "label": "Price",
        "type": "decimal",
        "nullable": False,
        "ops": ["eq", "ne", "lt", "lte", "gt", "gte", "between", "in", "nin", "blank", "nblank"],
        "sortable": True,
        "filterable": True,
        "searchable": True,
        "editable": True,
        "editor": "decimal",
        "groupable": True,
        "aggregates": ["count", "countDistinct", "min", "max", "sum", "avg"],
        "periods": [],
        "lookup": None,
        "choices": None,
        "filters": [],
        "description": "",
        "width": None,
    }
    assert columns["category"]["choices"] == [
        {"value": "book", "label": "Book"},
        {"value": "toy", "label": "Toy"},
        {"value": "tool", "label": "Tool"},
    ]
    assert columns["attributes"]["sortable"] is False
    assert columns["sku"]["editor"] is None


@pytest.mark.django_db
def test_schema_follows_the_rights_of_the_user() -> None:
    clerk = User.objects.create(username="clerk")
    schema = grid_schema(GridAccess(ProductGrid, clerk))
    assert schema["permissions"] == {"edit": False, "create": False, "delete": False, "export": False, "share": False}
    assert "price" not in {column["id"] for column in schema["columns"]}
    assert schema["defaultState"]["sort"] == [{"col": "name", "dir": "asc"}]


@pytest.mark.django_db
def test_schema_follows_the_settings() -> None:
    with override_settings(GRIDKIT={"PAGE_SIZE_MAX": 50, "PAGE_SIZE": 20}):
        schema = grid_schema(GridAccess(OrderGrid, ADMIN))
    assert schema["limits"] == {**LIMITS, "pageSize": 50}
    assert schema["defaultState"]["pageSize"] == 20
    assert schema["timeZone"] == "UTC"


def test_etag_is_strong_and_follows_content_and_language() -> None:
    assert schema_etag({"a": 1, "b": 2}) == schema_etag({"b": 2, "a": 1})
    assert schema_etag({"a": 1}) != schema_etag({"a": 2})
    with translation.override("de"):
        german = schema_etag({"a": 1})
    assert german != schema_etag({"a": 1})
