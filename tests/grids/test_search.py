"""The search: each word somewhere, in the visible search columns only."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from gridkit_django.exceptions import QueryError, QueryLimitError
from gridkit_django.grids import BooleanColumn, Grid, JSONColumn, TextColumn
from tests.grids.shop import OrderGrid, ProductGrid, ask, make_orders, make_products, values
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def products() -> None:
    make_products(
        [
            {"sku": "A", "name": "Grüne Ente", "description": "quacks", "category": "toy", "stock": 12},
            {"sku": "B", "name": "Hammer", "description": "100% steel", "category": "tool", "price": Decimal("12.50")},
            {"sku": "C", "name": "Book of ducks", "released": date(2024, 2, 29), "token": UUID(int=5)},
        ]
    )


@pytest.mark.usefixtures("products")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ENTE", "A"),
        ("GRÜNE", "A"),
        ("grüne quacks", "A"),
        ("quacks   ente  ente", "A"),
        ("grüne hammer", ""),
        ("100%", "B"),
        ("%", "B"),
        ("_", ""),
        ("12", "A"),
        ("12.5", "B"),
        ("toy", "A"),
        ("TOOL steel", "B"),
        ("book", "C"),
        ("2024-02-29", "C"),
        ("00000000-0000-0000-0000-000000000005", "C"),
        ("nothing", ""),
        ("   ", "ABC"),
        ("", "ABC"),
    ],
)
def test_every_word_must_be_found_somewhere(text: str, expected: str) -> None:
    assert values(ask(ProductGrid, search=text, sort=[{"col": "sku"}]), "sku") == list(expected)


def test_search_looks_through_relations() -> None:
    make_orders(6)
    page = ask(OrderGrid, search="BOB 3")
    assert values(page, "note") == ["note 3"]


class Plain(Grid):
    """Columns that the search can and can't look into."""

    name = TextColumn(searchable=True)
    active = BooleanColumn(searchable=True)
    attributes = JSONColumn(searchable=True)

    class Meta:
        model = Product
        id = "plain"
        columns = ["sku", "name", "active", "attributes"]


@pytest.mark.usefixtures("products")
def test_column_may_ask_to_be_searched_and_others_are_left_alone() -> None:
    assert values(ask(Plain, search="hammer"), "sku") == ["B"]
    assert values(ask(Plain, search="true"), "sku") == []
    assert values(ask(Plain, search="B"), "sku") == ["C"]


def test_search_without_a_column_to_search_in_is_refused() -> None:
    class Silent(Grid):
        class Meta:
            model = Product
            id = "silent"
            columns = ["sku"]

    with pytest.raises(QueryError, match="no column to search in") as refusal:
        ask(Silent, search="x")
    assert refusal.value.errors[0].pointer == "/search"


def test_too_many_words_are_refused() -> None:
    ask(ProductGrid, search=" ".join("abcdefghijklmnop"))
    with pytest.raises(QueryLimitError, match="at most 16"):
        ask(ProductGrid, search=" ".join("abcdefghijklmnopq"))
