"""The schema of a grid."""

from __future__ import annotations

from functools import partial
from typing import Any

import django_filters as df
import pytest
from django.contrib.auth.models import Permission, User
from django.test import override_settings
from django.utils import timezone, translation

from gridkit_django.grids import Grid, GridAccess, TextColumn, grid_registry
from gridkit_django.grids import schema as schema_module
from gridkit_django.grids.periods import PRESETS
from gridkit_django.grids.schema import access_etag, grid_schema, schema_etag
from gridkit_django.grids.schema_tags import TAGS_MAX, SchemaTags
from tests.grids.shop import ADMIN, OrderGrid, ProductGrid
from tests.shop.models import Customer, Product

LIMITS = {
    "pageSize": 500,
    "depth": 8,
    "nodes": 100,
    "inList": 1000,
    "values": 5000,
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
        "rememberDevices": False,
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
        "format": None,
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


@pytest.mark.django_db
def test_etag_that_is_remembered_is_that_of_the_schema() -> None:
    seen = set()

    def check(grid: type[Grid], user: User) -> None:
        for _ in range(2):
            access = GridAccess(grid, user)
            tag = access_etag(access)
            assert tag == schema_etag(grid_schema(access))
        seen.add(tag)

    clerk = User.objects.create(username="clerk")
    for user in (ADMIN, clerk):
        for grid in (ProductGrid, OrderGrid):
            check(grid, user)
    with translation.override("de"):
        check(ProductGrid, ADMIN)
    with override_settings(GRIDKIT={"PAGE_SIZE_MAX": 50}):
        check(ProductGrid, ADMIN)
    with timezone.override("Asia/Kathmandu"):
        check(OrderGrid, ADMIN)
    clerk.user_permissions.add(Permission.objects.get(codename="edit_grid"))
    check(ProductGrid, User.objects.get(pk=clerk.pk))
    assert len(seen) == 8


@pytest.mark.django_db
def test_etag_is_computed_once_for_the_same_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(schema_module, "schema_etag", lambda schema: made.append(schema) or "tag")
    monkeypatch.setattr(grid_registry(), "schema_tags", SchemaTags())
    assert {access_etag(GridAccess(OrderGrid, ADMIN)) for _ in range(3)} == {"tag"}
    assert len(made) == 1
    grid_registry().unregister("nosuch")
    access_etag(GridAccess(OrderGrid, ADMIN))
    assert len(made) == 2


@pytest.mark.django_db
def test_etag_of_columns_that_may_say_something_else_is_never_remembered() -> None:
    class Changing(TextColumn):
        said = "one"

        @property
        def editor(self) -> str:
            return self.said

    class ChangingGrid(Grid):
        name = Changing(editable=True)

        class Meta:
            model = Product
            id = "changing"

    before = access_etag(GridAccess(ChangingGrid, ADMIN))
    Changing.said = "two"
    assert access_etag(GridAccess(ChangingGrid, ADMIN)) != before


def _with_filters(filters: type[df.FilterSet]) -> type[Grid]:
    class FilteredGrid(Grid):
        name = TextColumn(filters=["customers"] if "customers" in filters.base_filters else [])

        class Meta:
            model = Product
            id = "filtered"
            columns = ["name", "category", "stock", "active"]
            filterset_class = filters

    return FilteredGrid


@pytest.mark.django_db
def test_etag_with_filters_that_stay_the_same_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class NumberInFilter(df.BaseInFilter, df.NumberFilter):  # type: ignore[misc]
        pass

    class Filters(df.FilterSet):  # type: ignore[misc]
        name__startswith = df.CharFilter(field_name="name", lookup_expr="startswith")
        stock__in = NumberInFilter(field_name="stock", lookup_expr="in")
        category = df.ChoiceFilter(choices=Product.Category.choices)
        customers = df.ModelChoiceFilter(queryset=Customer.objects.all(), method="of_customer")

        class Meta:
            model = Product
            fields = ["active"]

    made: list[Any] = []
    monkeypatch.setattr(grid_registry(), "schema_tags", SchemaTags())
    monkeypatch.setattr(schema_module, "schema_etag", lambda schema: made.append(schema) or schema_etag(schema))
    grid = _with_filters(Filters)
    tags = {access_etag(GridAccess(grid, ADMIN)) for _ in range(3)}
    assert len(made) == 1
    assert tags == {schema_etag(grid_schema(GridAccess(grid, ADMIN)))}


class _OwnInit(df.FilterSet):  # type: ignore[misc]
    name = df.CharFilter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["name"].label = said[-1]


class _ComputedChoices(df.FilterSet):  # type: ignore[misc]
    category = df.ChoiceFilter(choices=lambda: [("x", said[-1])])


class _OwnKind(df.FilterSet):  # type: ignore[misc]
    class Kind(df.CharFilter):  # type: ignore[misc]
        @property
        def label(self) -> str:
            return said[-1]

        @label.setter
        def label(self, value: Any) -> None:
            pass

    name = Kind()


said = ["one"]


@pytest.mark.django_db
@pytest.mark.parametrize("filters", [_OwnInit, _ComputedChoices, _OwnKind])
def test_etag_with_filters_that_may_say_something_else_is_never_remembered(
    filters: type[df.FilterSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = _with_filters(filters)
    before = access_etag(GridAccess(grid, ADMIN))
    monkeypatch.setattr(f"{__name__}.said", ["two"])
    assert access_etag(GridAccess(grid, ADMIN)) != before


def test_tags_are_forgotten_before_they_are_many() -> None:
    tags = SchemaTags()
    for number in range(TAGS_MAX + 1):
        assert tags.tag(number, partial("t{}".format, number)) == f"t{number}"
    assert tags.tag(TAGS_MAX, lambda: "other") == f"t{TAGS_MAX}"
    assert tags.tag(0, lambda: "new") == "new"


def test_etag_is_strong_and_follows_content_and_language() -> None:
    assert schema_etag({"a": 1, "b": 2}) == schema_etag({"b": 2, "a": 1})
    assert schema_etag({"a": 1}) != schema_etag({"a": 2})
    with translation.override("de"):
        german = schema_etag({"a": 1})
    assert german != schema_etag({"a": 1})
