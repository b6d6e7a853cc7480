"""The index advisor: what it names is lacking, fits Django, and is not named again once it is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.models import Index

from gridkit_django.grids import Grid, TextColumn, grid_registry
from gridkit_django.grids.advisor import Advice, _Held, _serves_text, advise
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

POSTGRES = connection.vendor == "postgresql"


def grid(model: type[models.Model] = Product, **options: Any) -> type[Grid]:
    columns = options.pop("columns", ["sku", "stock", "rating"])
    meta = type("Meta", (), {"model": model, "id": "advised", "columns": columns, **options})
    return type("Advised", (Grid,), {"Meta": meta})


def named(found: tuple[Advice, ...], purpose: str) -> list[str]:
    return [item.index for item in found if item.purpose == purpose and item.index]


def make(*indexes: Index, model: type[models.Model] = Product) -> None:
    editor = connection.schema_editor()
    with connection.cursor() as cursor:
        for index in indexes:
            cursor.execute(str(index.create_sql(model, editor)))


@pytest.mark.parametrize(
    ("sort", "code"),
    [
        (["stock"], 'Index(fields=["stock", "id"], name="product_stock_id")'),
        (["-stock"], 'Index(fields=["stock", "id"], name="product_stock_id")'),
        (["rating", "-stock"], 'Index(fields=["rating", "-stock", "-id"], name="product_rating_stock_id")'),
    ],
)
def test_lacking_index_of_the_default_sort_is_named_until_it_is_there(sort: list[str], code: str) -> None:
    advised = grid(default_sort=sort)
    assert named(advise(advised), "default sort") == [code]
    make(eval(code))  # noqa: S307 - the code that is printed must be code
    assert named(advise(advised), "default sort") == []


def test_unique_column_and_key_need_no_index_more() -> None:
    assert named(advise(grid(default_sort=["-sku"])), "default sort") == []
    assert named(advise(grid(Order, columns=["id", "note"], default_sort=["-id"])), "default sort") == []


def test_index_in_other_directions_does_not_serve() -> None:
    make(Index(fields=["rating", "stock", "id"], name="ascending"))
    advised = grid(default_sort=["rating", "-stock"])
    assert len(named(advise(advised), "default sort")) == 1


def test_index_without_the_key_serves_where_the_database_adds_it() -> None:
    make(Index(fields=["stock"], name="bare"))
    assert len(named(advise(grid(default_sort=["stock"])), "default sort")) == (1 if POSTGRES else 0)


def test_sort_by_another_table_can_not_be_helped() -> None:
    class ByCustomer(Grid):
        customer_name = TextColumn("customer__name")

        class Meta:
            model = Order
            id = "by-customer"
            columns = ["id", "customer_name"]
            default_sort = ["customer_name"]

    (found,) = (item for item in advise(ByCustomer) if item.purpose == "default sort")
    assert (found.index, "another table" in found.note) == ("", True)


def test_sortable_columns_are_judged_when_asked() -> None:
    advised = grid()
    assert named(advise(advised), "sort") == []
    assert named(advise(advised, sorts=True), "sort") == [
        'Index(fields=["stock", "id"], name="product_stock_id")',
        'Index(fields=["rating", "id"], name="product_rating_id")',
    ]


def test_filter_is_served_by_any_index_that_begins_with_its_column() -> None:
    advised = grid(columns=["stock", "active", "category", "attributes"])
    assert named(advise(advised), "filter") == ['Index(fields=["stock"], name="product_stock")']
    make(Index(fields=["stock", "rating"], name="longer"))
    assert named(advise(advised), "filter") == []


def test_search_names_an_index_for_each_column_or_says_that_none_helps() -> None:
    found = advise(grid(columns=["name", "description", "stock"], search=["name", "description", "stock"]))
    if POSTGRES:
        assert named(found, "search") == [
            'GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="product_name_trgm")',
            'GinIndex(OpClass(Upper("description"), name="gin_trgm_ops"), name="product_description_trgm")',
            'Index(fields=["stock"], name="product_stock")',
        ]
        assert named(found, "filter") == []
    else:
        assert named(found, "search") == ['Index(fields=["stock"], name="product_stock")']
        assert [item.note for item in found if item.purpose == "search" and not item.index] == [
            "SQLite has no index for parts of texts: each such question reads all rows."
        ]


@pytest.mark.postgres_only
def test_full_text_search_names_its_own_index() -> None:
    backend = "gridkit_django.grids.full_text.FullTextSearch"
    advised = grid(columns=["name"], search=["name"], search_backend=backend)
    code = 'GinIndex(SearchVector("name", config="simple"), name="product_name_words")'
    assert named(advise(advised), "search") == [code]
    make(GinIndex(SearchVector("name", config="simple"), name="product_name_words"))
    assert named(advise(advised), "search") == []


def test_index_of_a_text_is_told_by_its_definition() -> None:
    code = 'GinIndex(OpClass(Upper("name"), name="gin_trgm_ops")'

    def serves(text: str) -> bool:
        return _serves_text(_Held((), (), unique=False, ordered=False, text=text), code, "name")

    assert serves("CREATE INDEX x ON t USING gin (upper((name)::text) gin_trgm_ops)")
    assert serves("CREATE INDEX x ON t USING gin (upper(name) gin_trgm_ops)")
    assert not serves("CREATE INDEX x ON t USING gin (upper((surname)::text) gin_trgm_ops)")
    assert not serves("CREATE INDEX x ON t USING gin (name gin_trgm_ops)")
    assert not serves("")


def test_long_names_are_cut_and_stay_apart() -> None:
    found = advise(grid(columns=["restocked", "description", "released"], default_sort=["restocked", "released"]))
    (code,) = named(found, "default sort")
    name = code.split('name="')[1].rstrip('")')
    assert len(name) <= 30
    assert name.startswith("product_restocked_relea")


class CustomerGrid(Grid):
    """Searched through a relation."""

    name = TextColumn("customer__name")

    class Meta:
        model = Order
        id = "advised-orders"
        columns = ["id", "name"]
        search = ["name"]
        default_sort = ["-id"]


@pytest.fixture
def registered() -> Iterator[None]:
    grid_registry().register(CustomerGrid)
    yield
    grid_registry().unregister("advised-orders")


@pytest.mark.usefixtures("registered")
def test_command_prints_text_and_json() -> None:
    out = StringIO()
    call_command("gridkit_advise", grid=["advised-orders"], stdout=out)
    assert "advised-orders: the search name" in out.getvalue()
    assert f"1 grids, {int(POSTGRES)} indexes lacking." in out.getvalue()
    listed = StringIO()
    call_command("gridkit_advise", grid=["advised-orders"], sorts=True, as_json=True, stdout=listed)
    (first,) = json.loads(listed.getvalue())
    assert first["columns"] == ["name"]
    assert first["model"] == (Customer if POSTGRES else Order)._meta.label
    call_command("gridkit_advise", stdout=out)


def test_command_names_what_it_does_not_know() -> None:
    with pytest.raises(CommandError, match="no grid"):
        call_command("gridkit_advise", grid=["nowhere"])
