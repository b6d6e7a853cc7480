"""Orders that SQLite would sort for each page: their keys are kept once, and the rows are read by them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gridkit_django.exports.rows import RowSource
from gridkit_django.exports.source import spools
from gridkit_django.grids import Grid, GridAccess, open_grid
from gridkit_django.grids.query import GridQuery
from tests.exports.shop import GRID, products
from tests.shop.models import Product

pytestmark = pytest.mark.django_db


class SessionGrid(Grid):
    class Meta:
        model = Session
        id = "export-spooled-sessions"
        columns = ["session_key", "session_data"]


def source(user: User, column: str) -> RowSource:
    return RowSource(open_grid(GRID, user), GridQuery.from_dict({"columns": ["sku"], "sort": [{"col": column}]}))


def take(found: RowSource, after: Any, size: int | None) -> tuple[list[str], Any]:
    taken = found.take(after, size)
    return [sku for chunk in taken for (sku,) in chunk], taken.bookmark


def sorting(captured: CaptureQueriesContext) -> int:
    return sum("ORDER BY" in query["sql"] and "EXPLAIN" not in query["sql"] for query in captured.captured_queries)


@pytest.mark.parametrize("at_once", [2, 2000])
def test_an_order_without_an_index_is_sorted_once_however_many_takes_there_are(
    ann: User, monkeypatch: pytest.MonkeyPatch, at_once: int
):
    monkeypatch.setattr("gridkit_django.exports.source.reader.KEYS_AT_ONCE", at_once)
    products(23)
    found, after, rows = source(ann, "name"), None, []
    with CaptureQueriesContext(connection) as captured:
        for _ in range(8):
            some, after = take(found, after, 3)
            rows.append(some)

    assert (after, [len(some) for some in rows]) == (None, [3] * 7 + [2])
    assert [sku for some in rows for sku in some] == list(
        Product.objects.order_by("name").values_list("sku", flat=True)
    )
    assert sorting(captured) == 1


def test_an_order_with_an_index_and_few_rows_are_read_in_ranges(ann: User):
    products(4)
    few = source(ann, "name")
    few.count_up_to(10)
    for found in (source(ann, "sku"), few):
        assert len(take(found, None, 3)[0]) == 3
        assert found._reader._spool is None


def test_rows_that_left_are_left_out_and_others_are_neither_doubled_nor_lost(ann: User):
    products(9)
    found = source(ann, "name")
    first, after = take(found, None, 3)
    expected = list(Product.objects.order_by("name").values_list("sku", flat=True))
    Product.objects.filter(sku=expected[4]).delete()
    Product.objects.filter(sku=expected[5]).update(name="")
    Product.objects.create(sku="late", name="zzz", price=1)
    rest, end = take(found, after, 9)
    again = source(ann, "name")

    assert first == expected[:3]
    assert rest == [expected[3], *expected[6:], "late"], "another size asks anew, from the place on"
    assert end is None
    assert take(again, after, None) == (rest, None), "so does another worker"


def test_a_take_that_was_not_read_to_its_end_is_asked_anew(ann: User):
    products(9)
    found = source(ann, "name")
    next(iter(found.take(None, 3, chunk=2)))

    assert take(found, None, 3)[0] == list(Product.objects.order_by("name").values_list("sku", flat=True))[:3]


def test_the_kept_keys_are_those_of_one_moment(ann: User):
    products(9)
    found = source(ann, "name")
    expected = list(Product.objects.order_by("name").values_list("sku", flat=True))
    first, after = take(found, None, 3)
    Product.objects.filter(sku=expected[0]).update(name="zzz")
    Product.objects.filter(sku=expected[3]).delete()
    second, after = take(found, after, 3)

    assert (first, second, take(found, after, 3)[0]) == (expected[:3], expected[4:6], expected[6:])


def test_keys_may_be_texts_with_anything_in_them(ann: User):
    keys = ["b'\"", "ä", "1", "☃"]
    Session.objects.bulk_create(
        Session(session_key=key, session_data=str(9 - place), expire_date=timezone.now())
        for place, key in enumerate(keys)
    )
    asked = GridQuery.from_dict({"columns": ["session_key"], "sort": [{"col": "session_data"}]})
    found = RowSource(GridAccess(SessionGrid, ann), asked)
    rows, after = take(found, None, 3)

    assert [*rows, *take(found, after, 3)[0]] == keys[::-1]
    assert found._reader._spool is not None


def test_a_spool_without_rows_has_no_end():
    spool = spools.KeySpool(None, 3)
    spool.fill([])

    assert (list(spool.take(5)), spool.end, spool.goes_on(None, 3)) == ([], None, False)
