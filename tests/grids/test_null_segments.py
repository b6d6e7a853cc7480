"""Rows with and without a value, read apart on PostgreSQL, so that one plain index serves every order of a column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from gridkit_django.grids.query import SortTerm
from gridkit_django.grids.windows import _serves
from tests.grids.shop import ProductGrid, ask, make_products, values
from tests.grids.test_keyset import terms
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

POSTGRES = connection.vendor == "postgresql"
FIRST = {"kind": "cursor", "size": 10}


@pytest.fixture
def indexed() -> Iterator[None]:
    """Many products, most of them with a rating, a plain index, and statistics."""
    make_products([{"sku": f"N{i:05}", "rating": None if i % 10 == 0 else float(i % 500)} for i in range(4000)])
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX shop_rating ON shop_product (rating, id)")
        cursor.execute("ANALYZE shop_product")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX shop_rating")


def plans(**query: Any) -> list[str]:
    """The plans of the statements that read a window, as PostgreSQL would carry them out."""
    with CaptureQueriesContext(connection) as captured:
        ask(ProductGrid, count="none", **query)
    found = []
    with connection.cursor() as cursor:
        for statement in captured.captured_queries:
            sql = next(part for part in statement["sql"].split("; ") if "shop_product" in part)
            cursor.execute(f"EXPLAIN {sql}")
            found.append("\n".join(row[0] for row in cursor.fetchall()))
    return found


@pytest.mark.postgres_only
@pytest.mark.parametrize("nulls", ["first", "last"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.usefixtures("indexed")
def test_plain_index_serves_every_order_in_one_statement(direction: str, nulls: str) -> None:
    sort = [{"col": "rating", "dir": direction, "nulls": nulls}]
    after = ask(ProductGrid, sort=sort, window=FIRST).window.next
    deep = {"kind": "offset", "start": 100, "end": 110}
    for window in (FIRST, {**FIRST, "after": after}, deep):
        (plan,) = plans(sort=sort, window=window)
        assert "shop_rating" in plan
        assert "Sort" not in plan, plan
        assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize("nulls", ["first", "last"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_window_across_the_boundary_costs_as_many_statements_as_one_before_it(direction: str, nulls: str) -> None:
    make_products([{"rating": None if index % 2 else float(index)} for index in range(40)])
    asked = {"sort": [{"col": "rating", "dir": direction, "nulls": nulls}], "count": "none", "columns": ["rating"]}
    seen = []
    for size in (5, 30):
        with CaptureQueriesContext(connection) as captured:
            page = ask(ProductGrid, window={"kind": "cursor", "size": size}, **asked)
        seen.append(values(page, "rating"))
        assert len(captured) == 1
    some, most = seen
    assert most[:5] == some
    blanks = [value is None for value in most]
    assert blanks == sorted(blanks, reverse=nulls == "first")
    with_value = [value for value in most if value is not None]
    assert with_value == sorted(with_value, reverse=direction == "desc")
    far = ask(ProductGrid, window={"kind": "offset", "start": 18, "end": 22}, **asked)
    assert values(far, "rating") == most[18:22]


@contextmanager
def declared(*indexes: models.Index) -> Iterator[None]:
    """The model with other indexes in its Meta, for a while."""
    held = Product._meta.indexes
    Product._meta.indexes = list(indexes)
    try:
        yield
    finally:
        Product._meta.indexes = held


@pytest.mark.postgres_only
def test_declared_index_in_just_this_order_is_taken_at_its_word() -> None:
    rating = models.F("rating")
    sort = [{"col": "rating", "dir": "desc"}]
    with CaptureQueriesContext(connection) as captured:
        ask(ProductGrid, sort=sort, count="none")
        with declared(models.Index(rating.desc(nulls_last=True), "id", name="special")):
            ask(ProductGrid, sort=sort, count="none")
    apart, together = (query["sql"] for query in captured.captured_queries)
    assert "UNION ALL" in apart
    assert "NULLS LAST" not in apart
    assert "UNION ALL" not in together
    assert "NULLS LAST" in together


def test_index_serves_its_own_order_and_the_reverse_only() -> None:
    rating = models.F("rating")
    down = terms(SortTerm("rating", "desc"))[0]
    up_first = terms(SortTerm("rating", nulls="first"))[0]

    def serves(term: Any, *expressions: Any) -> bool:
        return _serves(models.Index(*expressions, name="x"), term)

    assert serves(down, rating.desc(nulls_last=True), "id")
    assert serves(up_first, rating.desc(nulls_last=True), "id")
    assert serves(down, rating.asc(nulls_first=True))
    assert not serves(down, rating.desc())
    assert not serves(down, rating.desc(nulls_first=True))
    assert not serves(down, models.F("price").desc(nulls_last=True))
    assert not serves(down, models.functions.Upper("name"))
    assert not _serves(models.Index(fields=["rating"], name="x"), down)
