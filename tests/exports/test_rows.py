"""The one source of rows."""

from __future__ import annotations

from array import array
from datetime import datetime

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gridkit_django.exceptions import ExportTooLargeError, UnknownColumnError
from gridkit_django.exports import iter_rows
from gridkit_django.exports.rows import RowSource
from gridkit_django.grids import Grid, GridAccess, open_grid
from gridkit_django.grids.query import GridQuery
from tests.exports.shop import GRID, ORDERS, orders, products
from tests.shop.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def source(user: User, grid: str = GRID, *, labels: bool = False, **query: object) -> RowSource:
    return RowSource(open_grid(grid, user), GridQuery.from_dict(query), labels=labels)


def access(user: User, grid: str = GRID) -> GridAccess:
    return open_grid(grid, user)


def test_rows_are_those_of_the_database_in_the_order_of_the_query(ann: User):
    products(1203)
    chunks = list(iter_rows(access(ann), GridQuery.from_dict({"columns": ["sku", "price"]}), chunk=500, limit=5000))

    assert [len(chunk) for chunk in chunks] == [500, 500, 203]
    expected = [list(row) for row in Product.objects.order_by("-stock", "pk").values_list("sku", "price")]
    assert [row for chunk in chunks for row in chunk] == expected


def test_filter_and_search_choose_the_rows(ann: User):
    products(40)
    found = source(ann, columns=["sku"], filter={"col": "stock", "op": "lt", "value": 20}, search="name")

    assert found.read_keys(100) == 4
    assert list(found.chunks()) == [[["S0015"], ["S0010"], ["S0005"], ["S0000"]]]


def test_a_column_that_is_not_visible_is_unknown(bob: User):
    with pytest.raises(UnknownColumnError):
        source(bob, columns=["sku", "price"])
    with pytest.raises(UnknownColumnError):
        source(bob, filter={"col": "price", "op": "gt", "value": "1"})


def test_without_columns_all_visible_ones_are_exported(ann: User, bob: User):
    assert "price" in [column.id for column in source(ann).columns]
    assert "price" not in [column.id for column in source(bob).columns]


def test_row_permissions_hold_and_one_path_may_stand_behind_two_columns(ann: User):
    orders(4)
    found = source(ann, ORDERS, columns=["quantity", "again", "customer_name"], sort=[{"col": "quantity"}])
    found.read_keys(10)

    assert list(found.chunks()) == [[[2, "Ann", "Ann"], [3, "Ann", "Ann"]]]


def test_points_in_time_are_shown_in_the_zone_of_the_query_or_the_grid(ann: User):
    products(2)
    stored = Product.objects.get(stock=1).restocked
    of_grid, of_query = source(ann, columns=["restocked"]), source(ann, columns=["restocked"], tz="Asia/Tokyo")
    for found in (of_grid, of_query):
        found.read_keys(10)
        (rows,) = found.chunks()
        assert rows[0][0] == stored
        assert rows[1][0] is None
        assert rows[0][0].utcoffset() == stored.astimezone(found.zone).utcoffset()
    assert [str(of_grid.zone), str(of_query.zone)] == ["America/New_York", "Asia/Tokyo"]


def test_naive_moments_stay_as_they_are(ann: User):
    found = source(ann, columns=["restocked"])

    assert found._convert([datetime(2024, 1, 1)]) == [datetime(2024, 1, 1)]  # noqa: DTZ001


def test_labels_replace_stored_choices_only_when_asked_for(ann: User):
    products(1)
    Product.objects.create(sku="odd", name="odd", category="left list", price=1, stock=-1)
    for labels, expected in ((False, ["book", "left list"]), (True, ["Book", "left list"])):
        found = source(ann, columns=["category"], labels=labels)
        found.read_keys(10)
        assert [value for chunk in found.chunks() for (value,) in chunk] == expected


def test_more_rows_than_the_limit_are_refused(ann: User):
    products(4)
    found = source(ann)

    assert found.read_keys(4) == 4
    with pytest.raises(ExportTooLargeError, match="more than 3 rows"):
        found.read_keys(3)
    assert list(found.chunks()) == []
    assert (found.count_up_to(3), found.count_up_to(10)) == (3, 4)


def test_keys_are_kept_small_when_they_are_whole_numbers(ann: User):
    products(3)
    found = source(ann)
    found.read_keys(10)

    assert isinstance(found._keys, array)


def test_rows_deleted_or_filtered_out_meanwhile_are_left_out_and_others_show_their_new_values(ann: User):
    products(6)
    found = source(ann, columns=["sku", "name"], filter={"col": "active", "op": "isTrue"}, sort=[{"col": "sku"}])
    assert found.read_keys(10) == 3
    Product.objects.filter(sku="S0000").delete()
    Product.objects.filter(sku="S0002").update(active=False)
    Product.objects.filter(sku="S0004").update(name="new")

    assert [row for chunk in found.chunks() for row in chunk] == [["S0004", "new"]]


def test_queries_do_not_grow_with_the_rows_of_a_chunk(ann: User):
    orders(400)
    Order.objects.update(quantity=5)
    found = source(ann, ORDERS)
    with CaptureQueriesContext(connection) as captured:
        found.read_keys(1000)
        assert sum(len(chunk) for chunk in found.chunks(200)) == 400

    assert len(captured) == 3, "one for the keys and one for each chunk: labels through foreign keys are joined"


class SessionGrid(Grid):
    """A model whose primary key is text."""

    class Meta:
        model = Session
        id = "export-sessions"
        columns = ["session_key"]
        default_sort = ["session_key"]


def test_keys_may_be_texts(ann: User):
    Session.objects.bulk_create(Session(session_key=key, expire_date=timezone.now()) for key in ("b", "a", "c"))
    found = RowSource(GridAccess(SessionGrid, ann), GridQuery())

    assert found.read_keys(10) == 3
    assert list(found.chunks(2)) == [[["a"], ["b"]], [["c"]]]
