"""Points in time read by the driver's own code are those that Django reads."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections
from django.test import override_settings

from gridkit_django.grids.quick_points import quick_points
from tests.grids.shop import make_products
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

POINTS = [
    datetime(2024, 3, 10, 4, 59, 59, 999999, tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC),
    None,
]


def read() -> list[datetime | None]:
    return list(Product.objects.order_by("sku").values_list("restocked", flat=True))


def test_points_are_the_same_and_in_the_same_zone() -> None:
    make_products([{"sku": str(index), "restocked": point} for index, point in enumerate(POINTS)])
    as_ever = read()
    with quick_points("default"):
        quick = read()
    assert quick == as_ever == POINTS
    assert [point and point.tzinfo for point in quick] == [point and point.tzinfo for point in as_ever]
    assert read() == POINTS


def test_only_postgresql_is_read_another_way() -> None:
    before = [*connection.execute_wrappers]
    with quick_points("default"):
        assert (connection.execute_wrappers != before) is (connection.vendor == "postgresql")
    assert connection.execute_wrappers == before


def test_naive_points_are_left_to_django() -> None:
    before = [*connection.execute_wrappers]
    with override_settings(USE_TZ=False), quick_points("default"):
        assert connection.execute_wrappers == before


def test_points_of_a_connection_in_another_zone_are_left_to_django(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections["default"].__dict__, "timezone", ZoneInfo("Europe/Paris"))
    before = [*connection.execute_wrappers]
    with quick_points("default"):
        assert connection.execute_wrappers == before
