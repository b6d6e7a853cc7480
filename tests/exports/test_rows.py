"""The one source of rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, tzinfo
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gridkit_django.exceptions import ExportChangedError, ExportError, ExportTooLargeError, UnknownColumnError
from gridkit_django.exports import iter_rows
from gridkit_django.exports.rows import RowSource
from gridkit_django.exports.source import reader, takes
from gridkit_django.exports.source.cells import conversion
from gridkit_django.grids import Grid, GridAccess, TextColumn, open_grid
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.query import GridQuery
from gridkit_django.typing import JSONValue
from tests.exports.shop import GRID, ORDERS, ExportGrid, orders, products
from tests.shop.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def source(user: User, grid: str = GRID, *, labels: bool = False, **query: object) -> RowSource:
    return RowSource(open_grid(grid, user), GridQuery.from_dict(query), labels=labels)


def access(user: User, grid: str = GRID) -> GridAccess:
    return open_grid(grid, user)


def all_rows(found: RowSource, size: int | None = None) -> list[list[Any]]:
    """Read everything, in takes of ``size`` rows; each bookmark goes through JSON, as on the way to another worker."""
    return all_rows_after(found, None, size)


def all_rows_after(found: RowSource, after: JSONValue, size: int | None = None) -> list[list[Any]]:
    rows: list[list[Any]] = []
    while True:
        take = found.take(after, size)
        rows += [list(row) for chunk in take for row in chunk]
        if take.bookmark is None:
            return rows
        after = json.loads(json.dumps(take.bookmark))


def found_query(sort: list[dict[str, Any]]) -> GridQuery:
    """Ask the grid itself for the first rows."""
    return GridQuery.from_dict({"columns": ["sku"], "sort": sort, "window": {"kind": "offset", "start": 0, "end": 100}})


def test_rows_are_those_of_the_database_in_the_order_of_the_query(ann: User):
    products(1203)
    chunks = list(iter_rows(access(ann), GridQuery.from_dict({"columns": ["sku", "price"]}), chunk=500, limit=5000))

    assert [len(chunk) for chunk in chunks] == [500, 500, 203]
    expected = list(Product.objects.order_by("-stock", "pk").values_list("sku", "price"))
    assert [row for chunk in chunks for row in chunk] == expected


def test_filter_and_search_choose_the_rows(ann: User):
    products(40)
    found = source(ann, columns=["sku"], filter={"col": "stock", "op": "lt", "value": 20}, search="name")

    assert found.total(100) == 4
    assert all_rows(found) == [["S0015"], ["S0010"], ["S0005"], ["S0000"]]


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

    assert all_rows(found) == [[2, "Ann", "Ann"], [3, "Ann", "Ann"]]


def test_points_in_time_are_shown_in_the_zone_of_the_query_or_the_grid(ann: User):
    products(2)
    stored = Product.objects.get(stock=1).restocked
    of_grid, of_query = source(ann, columns=["restocked"]), source(ann, columns=["restocked"], tz="Asia/Tokyo")
    for found in (of_grid, of_query):
        rows = all_rows(found)
        assert rows[0][0] == stored
        assert rows[1][0] is None
        assert rows[0][0].utcoffset() == stored.astimezone(found.zone).utcoffset()
    assert [str(of_grid.zone), str(of_query.zone)] == ["America/New_York", "Asia/Tokyo"]


def test_naive_moments_stay_as_they_are():
    naive = datetime(2024, 1, 1)  # noqa: DTZ001
    convert = conversion(ExportGrid.columns()["restocked"], UTC, labels=False)

    assert convert is not None
    assert convert([naive, None]) == [naive, None]


def test_labels_replace_stored_choices_only_when_asked_for(ann: User):
    products(1)
    Product.objects.create(sku="odd", name="odd", category="left list", price=1, stock=-1)
    for labels, expected in ((False, ["book", "left list"]), (True, ["Book", "left list"])):
        assert [value for (value,) in all_rows(source(ann, columns=["category"], labels=labels))] == expected


def test_more_rows_than_the_limit_are_refused(ann: User):
    products(4)
    found = source(ann)

    assert found.total(4) == 4
    with pytest.raises(ExportTooLargeError, match="more than 3 rows"):
        found.total(3)
    assert (found.count_up_to(3), found.count_up_to(10)) == (3, 4)


SORTS = [
    [{"col": column, "dir": direction, "nulls": nulls}, *more]
    for column in ("released", "restocked", "category", "price", "active")
    for direction in ("asc", "desc")
    for nulls in ("first", "last")
    for more in ([], [{"col": "restocked", "dir": "desc", "nulls": nulls}])
    if not (more and column == "restocked")
]


def test_takes_give_every_row_once_and_in_order_under_ties_and_without_values(ann: User):
    products(12)
    for sort in SORTS:
        found = source(ann, columns=["sku"], sort=sort)
        whole = all_rows(found)

        assert whole == [[row.data["sku"]] for row in fetch_rows(access(ann), found_query(sort)).rows]
        for size in (1, 5):
            assert all_rows(found, size) == whole, (sort, size)


def test_pages_give_the_same_rows_where_a_database_has_no_cursor_that_stays_open(
    ann: User, monkeypatch: pytest.MonkeyPatch
):
    products(24)
    monkeypatch.setattr(reader, "PAGE_ROWS", 5)
    monkeypatch.setattr(takes, "PAGE_ROWS", 5)
    monkeypatch.setattr(reader.Reader, "has_cursors", False)
    for sort in SORTS[::5]:
        found = source(ann, columns=["sku"], sort=sort)

        assert (
            all_rows(found)
            == all_rows(found, 11)
            == [[row.data["sku"]] for row in fetch_rows(access(ann), found_query(sort)).rows]
        )


def test_a_take_ends_at_a_row_and_not_at_a_number(ann: User):
    products(12)
    found = source(ann, columns=["sku"], sort=[{"col": "sku"}])
    first = found.take(None, 5)
    rows = [row for chunk in first for row in chunk]
    Product.objects.filter(sku__in=["S0001", "S0006"]).delete()
    Product.objects.create(sku="S0001b", name="late", price=1)
    Product.objects.create(sku="S0004b", name="late", price=1)
    then = all_rows_after(found, first.bookmark)

    assert [sku for (sku,) in rows] == [f"S{number:04}" for number in range(5)]
    assert [sku for (sku,) in then] == ["S0004b", "S0005", *(f"S{number:04}" for number in range(7, 12))]
    assert first.rows == 5


def test_a_bookmark_of_another_question_or_of_other_rights_is_refused(ann: User, bob: User):
    products(5)
    take = source(ann, columns=["sku"], sort=[{"col": "sku"}]).take(None, 2)
    list(take)

    for other in (
        source(ann, columns=["sku"], sort=[{"col": "name"}]),
        source(bob, columns=["sku"], sort=[{"col": "sku"}]),
        source(ann, columns=["sku"], sort=[{"col": "sku"}], search="name"),
    ):
        with pytest.raises(ExportChangedError):
            other.take(take.bookmark, 2)


def test_statements_do_not_grow_with_the_rows(ann: User):
    orders(400)
    Order.objects.update(quantity=5)
    found = source(ann, ORDERS)
    with CaptureQueriesContext(connection) as captured:
        found.total(1000)
        assert sum(len(chunk) for chunk in found.take(chunk=50)) == 400

    assert len(captured) <= 3, "one counts, one reads; without cursors one more looks for the end of the page"


def test_rows_that_a_join_repeats_come_as_often_as_in_the_grid(ann: User):
    orders(5)
    found = RowSource(GridAccess(RepeatedGrid, ann), GridQuery())

    assert all_rows(found, 2) == [["S0000"]] * 5
    assert all_rows(RowSource(GridAccess(DistinctGrid, ann), GridQuery()), 2) == [["S0000"]]


def test_a_column_with_a_way_of_its_own_is_exported_as_the_grid_shows_it(ann: User):
    products(2)

    assert all_rows(RowSource(GridAccess(MaskedGrid, ann), GridQuery())) == [["*0"], ["*1"]]


def test_no_take_goes_on_by_what_a_column_shows_instead_of_what_it_holds(ann: User):
    """Else a bookmark of "*1" would begin before all rows, and the export would never end."""
    found = RowSource(GridAccess(MaskedGrid, ann), GridQuery.from_dict({"sort": [{"col": "sku"}]}))
    assert "sku" in found.why_not_resumable
    assert not found.resumable
    exact = RowSource(GridAccess(MarkedGrid, ann), GridQuery.from_dict({"sort": [{"col": "sku"}]}))
    products(3)
    assert exact.resumable
    assert all_rows(exact, 1) == [["*0"], ["*1"], ["*2"]]


class SessionGrid(Grid):
    """A model whose primary key is text."""

    class Meta:
        model = Session
        id = "export-sessions"
        columns = ["session_key"]
        default_sort = ["session_key"]


class Masked(TextColumn):
    """Shows the last letter only."""

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        return "*" + value[-1]


class MaskedGrid(Grid):
    """Hides most of the article number."""

    sku = Masked()

    class Meta:
        model = Product
        id = "export-masked"
        columns = ["sku"]


class Marked(Masked):
    """Shows the last letter only, and marks a place by all of them."""

    def to_cursor(self, value: Any) -> JSONValue:
        return str(value)


class MarkedGrid(Grid):
    """Hides most of the article number, and can be gone on with."""

    sku = Marked()

    class Meta:
        model = Product
        id = "export-marked"
        columns = ["sku"]


class RepeatedGrid(Grid):
    """A rule that leads to many rows repeats the rows of the grid."""

    class Meta:
        model = Product
        id = "export-repeated"
        columns = ["sku"]
        row_permission = staticmethod(lambda rows, user: rows.filter(orders__quantity__gte=0))


class DistinctGrid(Grid):
    """The same, each row once."""

    class Meta:
        model = Product
        id = "export-distinct"
        columns = ["sku"]
        row_permission = staticmethod(lambda rows, user: rows.filter(orders__quantity__gte=0).distinct())


def test_keys_may_be_texts(ann: User):
    Session.objects.bulk_create(Session(session_key=key, expire_date=timezone.now()) for key in ("b", "a", "c"))
    found = RowSource(GridAccess(SessionGrid, ann), GridQuery())

    assert found.total(10) == 3
    assert all_rows(found, 2) == [["a"], ["b"], ["c"]]


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_a_snapshot_sees_one_state_while_others_write(ann: User):
    products(6)
    found = source(ann, columns=["sku"], sort=[{"col": "sku"}])
    with found.snapshot():
        first = found.take(None, 2)
        assert [row for chunk in first for row in chunk] == [("S0000",), ("S0001",)]
        Product.objects.all().delete()
        products(1)
        then = all_rows_after(found, first.bookmark, 3)

    assert [sku for (sku,) in then] == ["S0002", "S0003", "S0004", "S0005"]
    assert all_rows(found) == [["S0000"]], "after the block the rows are those of now"


def test_a_database_whose_snapshot_would_stop_all_writing_gives_none(ann: User):
    found = source(ann)
    if connection.vendor == "postgresql":
        assert found.why_no_snapshot == ""
        return
    assert "journal mode" in found.why_no_snapshot
    with pytest.raises(ExportError, match="no snapshot"), found.snapshot():
        pytest.fail("there is none")
