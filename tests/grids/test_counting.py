"""Counts: never more than they claim to be."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from gridkit_django.grids import Grid, GridAccess
from gridkit_django.grids.counting import Count, CountKind, count_queryset
from gridkit_django.grids.query import CountMode, GridQuery
from gridkit_django.grids.rows import count_rows
from tests.grids.shop import ADMIN, ProductGrid, ask, make_products
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

FIRST_TWO = {"kind": "cursor", "size": 2}


@pytest.fixture(autouse=True)
def products() -> None:
    make_products([{"stock": index} for index in range(5)])


def count(mode: str, window: dict[str, Any] = FIRST_TWO, **query: Any) -> Count:
    return ask(ProductGrid, count=mode, window=window, **query).count


def test_no_count_is_unknown() -> None:
    assert count("none") == Count(None, CountKind.UNKNOWN)
    assert count("none", {"kind": "offset", "start": 0, "end": 9}).kind is CountKind.UNKNOWN


def test_exact_count_is_exact() -> None:
    assert count("exact") == Count(5, CountKind.EXACT)
    assert count("exact", filter={"col": "stock", "op": "gt", "value": 1}) == Count(3, CountKind.EXACT)


def test_capped_count_stops_at_the_cap_and_says_so() -> None:
    assert count("capped") == Count(5, CountKind.EXACT)
    with override_settings(GRIDKIT={"COUNT_CAP": 5}):
        assert count("capped") == Count(5, CountKind.EXACT)
    with override_settings(GRIDKIT={"COUNT_CAP": 4}):
        assert count("capped") == Count(4, CountKind.AT_LEAST)


@pytest.mark.parametrize("rows", [Product.objects.none(), Product.objects.filter(pk__in=[])], ids=["none", "no keys"])
@pytest.mark.parametrize("mode", CountMode)
def test_rows_that_can_not_be_are_counted_without_a_question(rows: QuerySet[Any], mode: CountMode) -> None:
    expected = Count(None, CountKind.UNKNOWN) if mode is CountMode.NONE else Count(0, CountKind.EXACT)
    with CaptureQueriesContext(connection) as queries:
        assert count_queryset(rows, mode) == expected
    assert not queries.captured_queries


def test_estimate_comes_from_the_catalogue_when_nothing_narrows_the_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shop_product")
    with override_settings(GRIDKIT={"COUNT_CAP": 4}):
        found = count("estimated")
        narrowed = count("estimated", filter={"col": "stock", "op": "gte", "value": 0})
    expected = CountKind.ESTIMATE if connection.vendor == "postgresql" else CountKind.AT_LEAST
    assert found.kind is expected
    assert found.value == (5 if connection.vendor == "postgresql" else 4)
    assert narrowed == Count(4, CountKind.AT_LEAST)


def test_small_or_unknown_estimate_is_counted_instead() -> None:
    assert count("estimated") == Count(5, CountKind.EXACT)


def test_estimate_never_tells_of_rows_that_the_user_may_not_see() -> None:
    class Narrow(Grid):
        class Meta:
            model = Product
            id = "narrow"
            columns = ["sku"]
            row_permission = staticmethod(lambda rows, user: rows.filter(stock=1))

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shop_product")
    with override_settings(GRIDKIT={"COUNT_CAP": 0}):
        assert count_rows(GridAccess(Narrow, ADMIN), GridQuery(), CountMode.ESTIMATED) == Count(0, CountKind.AT_LEAST)


def test_window_that_ends_the_rows_needs_no_count(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert count("exact", {"kind": "offset", "start": 3, "end": 9}) == Count(5, CountKind.EXACT)
    with django_assert_num_queries(2):
        assert count("exact", {"kind": "offset", "start": 50, "end": 60}) == Count(5, CountKind.EXACT)


def test_count_is_written_with_its_worth() -> None:
    assert Count(4, CountKind.AT_LEAST).to_dict() == {"value": 4, "is": "atLeast"}
    assert Count(None, CountKind.UNKNOWN).to_dict() == {"value": None, "is": "unknown"}
