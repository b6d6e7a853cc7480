"""The assertion that users make about their own grids."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import pytest
from django.contrib.auth.models import User

from gridkit_django.grids import Grid, TextColumn
from gridkit_django.testing import assert_query_contract
from gridkit_django.typing import JSONValue
from tests.grids.shop import ADMIN, OrderGrid, ProductGrid, make_orders, make_products
from tests.shop.models import Customer, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Curious(TextColumn):
    """Asks the database about each value."""

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        return f"{value} of {Customer.objects.count()}"


class CuriousGrid(Grid):
    """Costs a query a row."""

    name = Curious()

    class Meta:
        model = Product
        id = "curious"
        columns = ["sku", "name"]


@pytest.fixture
def clerk() -> User:
    return User.objects.create_user("clerk")


def test_grid_with_joins_keeps_the_contract(clerk: User) -> None:
    make_orders(40)
    for user in (ADMIN, clerk):
        assert_query_contract(OrderGrid, user)
        assert_query_contract(OrderGrid, user, {"sort": [{"col": "referrer_name", "dir": "desc"}], "search": "note"})


def test_column_that_costs_a_query_a_row_breaks_it() -> None:
    make_products([{} for _ in range(20)])
    with pytest.raises(AssertionError, match=r"10 rows cost (11|21) SQL queries, more rows cost (21|41):"):
        assert_query_contract(CuriousGrid, ADMIN)


def test_more_queries_than_allowed_are_listed(clerk: User) -> None:
    make_products([{} for _ in range(20)])
    with pytest.raises(AssertionError, match=r"more than 1:\n(?s:.*)shop_product"):
        assert_query_contract(ProductGrid, clerk, most=1)


def test_too_few_rows_prove_nothing() -> None:
    make_products([{} for _ in range(10)])
    with pytest.raises(ValueError, match="sees 10 rows"):
        assert_query_contract(ProductGrid, ADMIN)
