"""Answering a query: few SQL queries, the wire form of rows, and the query as it was understood."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.test import override_settings
from django.utils import timezone

from gridkit_django.exceptions import QueryError
from gridkit_django.grids import Grid, GridAccess, TextColumn, get_record
from gridkit_django.grids.query import CursorWindow, GridQuery, OffsetWindow, SortTerm
from gridkit_django.grids.rows import Row, compile_query
from gridkit_django.models import ExportJob
from tests.grids.shop import ADMIN, OrderGrid, ProductGrid, ask, make_orders, make_products, values
from tests.shop.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.mark.parametrize("size", [10, 500])
def test_labels_through_foreign_keys_cost_the_same_few_queries_for_any_number_of_rows(
    size: int, django_assert_num_queries: Any
) -> None:
    make_orders(size + 1)
    with django_assert_num_queries(2):
        page = ask(OrderGrid, window={"kind": "cursor", "size": size})
    assert len(page.rows) == size
    assert {row.data["customer_name"] for row in page.rows} == {"Ann", "Bob"}


def test_raw_foreign_keys_need_no_join() -> None:
    query = GridQuery.from_dict({"columns": ["customer", "referrer"], "sort": [{"col": "referrer"}]})
    compiled = compile_query(GridAccess(OrderGrid, ADMIN), query)
    assert "JOIN" not in str(compiled.queryset.values_list(*compiled.paths).query)


def test_values_cross_the_wire_exactly() -> None:
    make_products(
        [
            {
                "name": "Straße",
                "category": "toy",
                "price": Decimal("99999999.99"),
                "stock": -3,
                "active": False,
                "token": UUID(int=7),
                "attributes": {"deep": [1, {"a": None}]},
                "rating": 0.1,
                "restocked": datetime(2024, 7, 1, 12, 0, 0, 5, tzinfo=UTC),
            }
        ]
    )
    (row,) = ask(ProductGrid).rows
    assert row.data == {
        "sku": "P000",
        "name": "Straße",
        "category": "toy",
        "price": "99999999.99",
        "stock": -3,
        "active": False,
        "token": "00000000-0000-0000-0000-000000000007",
        "attributes": {"deep": [1, {"a": None}]},
        "description": None,
        "rating": 0.1,
        "released": None,
        "restocked": "2024-07-01T08:00:00.000005-04:00",
        "opens": None,
        "discount": None,
    }
    assert isinstance(row.id, int)


def test_row_and_window_are_written_for_the_wire() -> None:
    make_products([{}])
    page = ask(ProductGrid, columns=["sku"])
    assert Row(1, "v", {"a": 2}).to_dict() == {"id": 1, "v": "v", "d": {"a": 2}}
    assert page.window.to_dict() == {"start": 0, "hasNext": False, "next": None, "prev": None}


def test_version_does_not_depend_on_the_columns_that_were_asked_for() -> None:
    make_orders(1)
    (narrow,) = ask(OrderGrid, columns=["customer_name"]).rows
    (wide,) = ask(OrderGrid).rows
    assert narrow.version == wide.version
    assert list(narrow.data) == ["customer_name"]
    Order.objects.update(quantity=77)
    (changed,) = ask(OrderGrid, columns=["customer_name"]).rows
    assert changed.version != narrow.version


def test_columns_come_in_the_order_that_was_asked_for() -> None:
    make_products([{}])
    (row,) = ask(ProductGrid, columns=["stock", "sku"]).rows
    assert list(row.data.items()) == [("stock", 0), ("sku", "P000")]


def test_query_is_echoed_as_it_was_understood() -> None:
    query = ask(ProductGrid, columns=["sku"]).query
    assert query.columns == ("sku",)
    assert query.sort == (SortTerm("price", "desc"), SortTerm("name"))
    assert query.window == CursorWindow(size=100)
    assert GridQuery.from_dict(query.to_dict()) == query
    assert ask(ProductGrid, window={"kind": "offset", "start": 0, "end": 3}).query.window == OffsetWindow(0, 3)


def test_page_size_comes_from_the_settings_when_nobody_names_one() -> None:
    make_products([{} for _ in range(4)])
    with override_settings(GRIDKIT={"PAGE_SIZE": 3}):
        assert len(ask(ProductGrid).rows) == 3


def test_default_sort_holds_until_a_query_names_one() -> None:
    make_products([{"price": Decimal(1)}, {"price": Decimal(3)}, {"price": Decimal(3), "name": "a"}])
    assert values(ask(ProductGrid), "sku") == ["P002", "P001", "P000"]
    assert values(ask(ProductGrid, sort=[{"col": "sku"}]), "sku") == ["P000", "P001", "P002"]


def test_sort_puts_rows_without_a_value_last_both_ways_unless_told() -> None:
    make_products([{"rating": 1.0}, {}, {"rating": 2.0}])

    def ratings(**term: str) -> list[Any]:
        return values(ask(ProductGrid, sort=[{"col": "rating", **term}]), "rating")

    assert ratings() == [1.0, 2.0, None]
    assert ratings(dir="desc") == [2.0, 1.0, None]
    assert ratings(nulls="first") == [None, 1.0, 2.0]
    assert ratings(dir="desc", nulls="first") == [None, 2.0, 1.0]


def test_column_that_has_no_order_can_not_be_sorted_by() -> None:
    with pytest.raises(QueryError, match="can't be sorted by the column 'attributes'") as refusal:
        ask(ProductGrid, sort=[{"col": "sku"}, {"col": "attributes"}])
    assert [item.pointer for item in refusal.value.errors] == ["/sort/1/col"]


def test_time_zone_is_djangos_current_one_when_the_grid_names_none() -> None:
    make_orders(1)
    with timezone.override("Asia/Kathmandu"):
        assert values(ask(OrderGrid), "placed") == ["2024-01-01T05:45:00+05:45"]
    assert values(ask(OrderGrid, tz="America/New_York"), "placed") == ["2023-12-31T19:00:00-05:00"]


def test_row_id_of_a_uuid_key_is_text_and_breaks_ties() -> None:
    class Jobs(Grid):
        class Meta:
            model = ExportJob
            id = "jobs"
            columns = ["grid"]

    assert Jobs.declaration().key.to_wire(UUID(int=1)) == str(UUID(int=1))
    assert ask(Jobs).rows == ()


class BehindKeysGrid(Grid):
    """Shows nothing that is stored in its own table."""

    customer_name = TextColumn("customer__name")

    class Meta:
        model = Order
        id = "behind-keys"
        columns = ["customer_name"]


def test_rows_without_a_column_of_their_own_table_are_shown() -> None:
    make_orders(3)
    page = ask(BehindKeysGrid)
    assert values(page, "customer_name") == ["Bob", "Ann", "Ann"]
    assert len({row.version for row in page.rows}) == 1
    assert page.rows[0].version
    record = get_record(GridAccess(BehindKeysGrid, ADMIN), page.rows[0].id)
    assert record == page.rows[0]
