"""Statements that are written once and asked again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F, Q, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from gridkit_django.exceptions import RecordNotFoundError
from gridkit_django.grids import GridAccess, grid_registry
from gridkit_django.grids import known_questions as known_questions_module
from gridkit_django.grids.known_questions import Given, KnownQuestions, facts_of, known_rows
from gridkit_django.grids.records import get_record
from tests.grids.edits import ProductEditGrid, edit
from tests.grids.shop import ADMIN, ProductGrid, ask, make_products
from tests.shop.models import Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def questions(monkeypatch: pytest.MonkeyPatch) -> KnownQuestions:
    """Nothing is known yet."""
    fresh = KnownQuestions()
    monkeypatch.setattr(grid_registry(), "questions", fresh)
    return fresh


@pytest.fixture
def shelf() -> list[Product]:
    return make_products([{"sku": f"S{n}", "stock": n, "rating": None if n % 2 else n / 4} for n in range(9)])


def written(act: Callable[[], Any]) -> int:
    """Return how many SELECT statements Django writes anew in an act."""
    plain = SQLCompiler.as_sql
    with mock.patch.object(SQLCompiler, "as_sql", autospec=True, side_effect=plain) as spy:
        act()
    return int(spy.call_count)


def pages(sort: list[dict[str, str]]) -> list[Any]:
    """Walk through all rows and return their ids."""
    found: list[Any] = []
    after = None
    while after is not None or not found:
        page = ask(ProductGrid, sort=sort, window={"kind": "cursor", "size": 2, "after": after})
        found += [row.data["sku"] for row in page.rows]
        after = page.window.next
    return found


@pytest.mark.parametrize("nulls", ["first", "last"])
def test_second_walk_gives_the_same_and_on_postgresql_writes_no_statement(shelf: list[Product], nulls: str) -> None:
    sort = [{"col": "rating", "dir": "desc", "nulls": nulls}, {"col": "stock"}]
    first = pages(sort)
    with_value = [f"S{n}" for n in (8, 6, 4, 2, 0)]
    without = [f"S{n}" for n in (1, 3, 5, 7)]
    assert first == (without + with_value if nulls == "first" else with_value + without)
    again: list[Any] = []
    count = written(lambda: again.extend(pages(sort)))
    assert again == first
    assert connection.vendor != "postgresql" or count == 0


def test_first_page_count_and_record_are_written_once(shelf: list[Product]) -> None:
    def act() -> None:
        ask(ProductGrid, window={"kind": "cursor", "size": 2})
        get_record(GridAccess(ProductGrid, ADMIN), shelf[0].pk)

    assert written(act) > 0
    with CaptureQueriesContext(connection) as captured:
        assert written(act) == 0
    assert len(captured) == 3


def test_each_record_is_read_by_its_own_key_and_with_the_columns_that_the_user_sees(shelf: list[Product]) -> None:
    clerk = User.objects.create(username="clerk")
    for user in (ADMIN, clerk, ADMIN):
        for product in shelf[:3]:
            row = get_record(GridAccess(ProductGrid, user), str(product.pk))
            assert row.data["sku"] == product.sku
            assert ("price" in row.data) is user.is_superuser


def test_edits_after_the_first_lock_and_change_their_own_rows(shelf: list[Product]) -> None:
    for number, product in enumerate(shelf[:3]):
        edit(ProductEditGrid, product, stock=100 + number)
    assert list(Product.objects.order_by("pk").values_list("stock", flat=True)) == [100, 101, 102, *range(3, 9)]


def test_filtered_rows_are_never_taken_for_all(shelf: list[Product]) -> None:
    window = {"kind": "cursor", "size": 3}
    everything = ask(ProductGrid, sort=[{"col": "stock"}], window=window)
    some = ask(ProductGrid, sort=[{"col": "stock"}], window=window, filter={"col": "stock", "op": "gte", "value": 4})
    assert [row.data["stock"] for row in everything.rows] == [0, 1, 2]
    assert [row.data["stock"] for row in some.rows] == [4, 5, 6]


@pytest.mark.parametrize(
    "narrow",
    [
        lambda rows: rows.filter(stock=1),
        lambda rows: rows[:3],
        lambda rows: rows.distinct(),
        lambda rows: rows.annotate(one=Value(1)),
        lambda rows: rows.union(rows),
        lambda rows: rows.select_for_update(),
        lambda rows: rows.defer("name"),
        lambda rows: rows.filter(pk=F("pk")),
        lambda rows: Order.objects.select_related("customer"),
    ],
)
def test_rows_that_are_anything_but_all_of_a_model_have_no_facts(narrow: Callable[[QuerySet[Any]], Any]) -> None:
    assert facts_of(Product.objects.all()) is not None
    assert facts_of(Product.objects.order_by("name")) is not None
    assert facts_of(narrow(Product.objects.all())) is None


@pytest.mark.parametrize(
    "narrow",
    [
        lambda rows: rows.none(),
        lambda rows: rows.filter(pk__in=[]),
        lambda rows: rows.exclude(pk__in=[]),
        lambda rows: rows[:3],
        lambda rows: rows.distinct(),
        lambda rows: rows.annotate(one=Value(1)).filter(one=1),
        lambda rows: rows.filter(sku__in=[f"{n:020}" for n in range(900)]),
        lambda rows: rows.filter(stock=1).select_for_update(),
    ],
)
def test_rows_whose_condition_is_no_plain_text_are_not_known(narrow: Callable[[QuerySet[Any]], Any]) -> None:
    assert known_rows(narrow(Product.objects.all())) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda rows: rows.filter(stock=1), lambda rows: rows.filter(stock__gt=1)),
        (lambda rows: rows.filter(stock=1), lambda rows: rows.exclude(stock=1)),
        (lambda rows: rows.filter(stock=1), lambda rows: rows.filter(stock=1, sku="S1")),
        (lambda rows: rows.filter(rating=1), lambda rows: rows.filter(rating=None)),
        (lambda rows: rows.filter(sku__in=["a"]), lambda rows: rows.filter(sku__in=["a", "b"])),
        (lambda rows: rows.filter(stock=1), lambda rows: rows),
    ],
)
def test_rows_under_another_condition_have_other_facts(
    first: Callable[[QuerySet[Any]], Any], second: Callable[[QuerySet[Any]], Any]
) -> None:
    one, other = known_rows(first(Product.objects.all())), known_rows(second(Product.objects.all()))
    assert one is not None
    assert other is not None
    assert one.facts != other.facts


def test_rows_that_reach_other_tables_differently_have_other_facts() -> None:
    def facts(rows: QuerySet[Any]) -> Any:
        known = known_rows(rows)
        assert known is not None
        return known.facts

    by_name = facts(Order.objects.filter(customer__name="a"))
    assert by_name == facts(Order.objects.filter(customer__name="b"))
    assert by_name != facts(Order.objects.filter(Q(customer__name="a") | Q(pk=1)))
    assert by_name != facts(Order.objects.filter(customer="1"))


def test_filtered_pages_and_counts_are_written_once_and_hold_their_own_values(shelf: list[Product]) -> None:
    def skus(low: int, text: str) -> list[str]:
        wanted = {"and": [{"col": "stock", "op": "gte", "value": low}, {"col": "sku", "op": "contains", "value": text}]}
        page = ask(ProductGrid, sort=[{"col": "stock"}], window={"kind": "cursor", "size": 3}, filter=wanted)
        assert page.count.value == len([n for n in range(low, 9) if text in f"S{n}"])
        return [row.data["sku"] for row in page.rows]

    assert skus(4, "S") == ["S4", "S5", "S6"]
    again: list[list[str]] = []
    assert written(lambda: again.extend([skus(7, "S"), skus(0, "5"), skus(0, "%"), skus(2, "'")])) == 0
    assert again == [["S7", "S8"], ["S5"], [], []]


def test_pages_after_a_filtered_one_hold_its_values_and_their_keys(shelf: list[Product]) -> None:
    for low in (3, 5, 3):
        wanted = {"col": "stock", "op": "gte", "value": low}
        window: dict[str, Any] = {"kind": "cursor", "size": 2}
        found: list[Any] = []
        while window.get("after", "") is not None:
            page = ask(ProductGrid, sort=[{"col": "rating", "dir": "desc"}], window=window, filter=wanted)
            found += [row.data["stock"] for row in page.rows]
            window["after"] = page.window.next
        assert found == [n for n in (8, 6, 4) if n >= low] + [n for n in (7, 5, 3) if n >= low]


def test_record_is_read_by_one_statement_under_the_rule_for_each_users_rows(shelf: list[Product]) -> None:
    class RuledGrid(ProductGrid):
        class Meta(ProductGrid.Meta):
            id = "ruled"
            row_permission = staticmethod(lambda rows, user: rows.filter(stock__lt=user.pk))

    def reads(user: User) -> list[int]:
        found = []
        for row in shelf:
            with suppress(RecordNotFoundError):
                found.append(get_record(GridAccess(RuledGrid, user), row.pk).data["stock"])
        return found

    assert reads(User(pk=3, is_superuser=True, is_active=True)) == [0, 1, 2]
    again: list[int] = []
    assert written(lambda: again.extend(reads(User(pk=5, is_superuser=True, is_active=True)))) == 0
    assert again == [0, 1, 2, 3, 4]


def test_values_come_to_their_places_in_any_number(questions: KnownQuestions, shelf: list[Product]) -> None:
    def asking() -> QuerySet[Any, Any]:
        between = Product.objects.filter(stock__gte=Given(0), stock__lte=Given(1)).exclude(stock=Given(0))
        return between.order_by("stock").values_list("stock")

    for low, high in ((2, 5), (0, 1)):
        statement = questions.statement("default", "between", asking)
        assert statement.answer([low, high]) == [(number,) for number in range(low + 1, high + 1)]


def test_statements_are_forgotten_before_they_are_many(
    questions: KnownQuestions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_questions_module, "QUESTIONS_MAX", 2)
    made: list[int] = []

    def asking(number: int) -> QuerySet[Any, Any]:
        made.append(number)
        return Product.objects.values_list("pk")[:number]

    for number in (1, 2, 2, 3, 3, 1):
        questions.statement("default", number, partial(asking, number))
    assert made == [1, 2, 3, 1]


def test_registry_that_changes_forgets_all_statements(questions: KnownQuestions, shelf: list[Product]) -> None:
    ask(ProductGrid)
    grid_registry().unregister("nosuch")
    assert written(lambda: ask(ProductGrid)) > 0
