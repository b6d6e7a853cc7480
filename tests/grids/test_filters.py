"""Filters: every operator on every type means what it says, on the database in use."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db.models import JSONField, Value

from gridkit_django.exceptions import FilterValueError, QueryError, UnknownColumnError, UnknownOperatorError
from gridkit_django.grids import Grid, TextColumn
from gridkit_django.grids.tree import TEXT_LENGTH_MAX
from tests.grids.shop import CLERK, OrderGrid, ProductGrid, ask, found, make_orders, make_products, values
from tests.shop.models import Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

TOKEN = UUID("0b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d")


def make_one_of_each() -> None:
    """A: has all values. B: has others. C: has none where none may be."""
    full = {
        "sku": "A",
        "name": "Ärger",
        "category": "toy",
        "price": Decimal("10.10"),
        "stock": 5,
        "active": True,
        "token": TOKEN,
        "attributes": {"a": 1},
        "description": "first",
        "rating": 1.5,
        "released": date(2024, 2, 29),
        "restocked": datetime(2024, 3, 10, 12, tzinfo=UTC),
        "opens": time(9, 30),
        "discount": Decimal("0.50"),
    }
    other = {
        "sku": "B",
        "name": "plain",
        "category": "tool",
        "price": Decimal("9.99"),
        "stock": -1,
        "active": False,
        "description": "",
        "rating": -2.0,
        "released": date(2023, 1, 1),
        "restocked": datetime(2023, 1, 1, tzinfo=UTC),
        "opens": time(22),
        "discount": Decimal("0.00"),
    }
    make_products([full, other, {"sku": "C", "name": "", "stock": 0}])


ALL = ["A", "B", "C"]


@pytest.mark.parametrize(
    ("column", "op", "operands", "expected"),
    [
        ("stock", "eq", [5], "A"),
        ("stock", "ne", [5], "BC"),
        ("stock", "lt", [0], "B"),
        ("stock", "lte", [0], "BC"),
        ("stock", "gt", [0], "A"),
        ("stock", "gte", [0], "AC"),
        ("stock", "between", [-1, 0], "BC"),
        ("stock", "between", [0, -1], ""),
        ("stock", "in", [[5, 0]], "AC"),
        ("stock", "in", [[]], ""),
        ("stock", "nin", [[5, 0]], "B"),
        ("stock", "nin", [[]], "ABC"),
        ("stock", "in", [[2**62]], ""),
        ("stock", "lt", [2**62], "ABC"),
        ("stock", "eq", [2**62], ""),
        ("stock", "blank", [], ""),
        ("stock", "nblank", [], "ABC"),
        ("rating", "eq", [1.5], "A"),
        ("rating", "ne", [1.5], "BC"),
        ("rating", "lt", [100], "AB"),
        ("rating", "between", [-2, 1.5], "AB"),
        ("rating", "in", [[1.5, None]], "AC"),
        ("rating", "in", [[None]], "C"),
        ("rating", "nin", [[1.5, None]], "B"),
        ("rating", "nin", [[1.5]], "BC"),
        ("rating", "nin", [[]], "ABC"),
        ("rating", "blank", [], "C"),
        ("rating", "nblank", [], "AB"),
        ("price", "eq", ["10.10"], "A"),
        ("price", "eq", [10.1], "A"),
        ("price", "eq", ["9.985"], ""),
        ("price", "gt", ["9.985"], "AB"),
        ("price", "gt", ["9.994"], "A"),
        ("price", "lt", ["9.995"], "BC"),
        ("price", "in", [["9.99", "10.1", "123456789012345678901.5"]], "AB"),
        ("price", "gte", ["9.99"], "AB"),
        ("discount", "ne", ["0.5"], "BC"),
        ("discount", "between", [0, 1], "AB"),
        ("discount", "blank", [], "C"),
        ("active", "isTrue", [], "AC"),
        ("active", "isFalse", [], "B"),
        ("active", "eq", [False], "B"),
        ("active", "ne", [False], "AC"),
        ("active", "in", [[True]], "AC"),
        ("active", "in", [[]], ""),
        ("active", "nin", [[True, None]], "B"),
        ("category", "eq", ["toy"], "A"),
        ("category", "ne", ["toy"], "BC"),
        ("category", "in", [["toy", "tool"]], "AB"),
        ("category", "nin", [["toy", "tool"]], "C"),
        ("token", "eq", [str(TOKEN)], "A"),
        ("token", "ne", [str(TOKEN)], "BC"),
        ("token", "in", [[str(TOKEN).upper()]], "A"),
        ("released", "eq", ["2024-02-29"], "A"),
        ("released", "ne", ["2024-02-29"], "BC"),
        ("released", "gte", ["2023-01-01"], "AB"),
        ("released", "gt", ["2023-01-01"], "A"),
        ("released", "between", ["2022-12-31", "2023-01-01"], "B"),
        ("released", "blank", [], "C"),
        ("opens", "lt", ["12:00"], "A"),
        ("opens", "eq", ["22:00:00"], "B"),
        ("opens", "nblank", [], "AB"),
        ("attributes", "blank", [], ""),
        ("attributes", "nblank", [], "ABC"),
        ("description", "blank", [], "BC"),
        ("description", "nblank", [], "A"),
        ("description", "eq", ["FIRST"], "A"),
        ("description", "ne", ["FIRST"], "BC"),
        ("description", "contains", ["IRS"], "A"),
        ("description", "ncontains", ["IRS"], "BC"),
        ("description", "starts", ["FI"], "A"),
        ("description", "ends", ["ST"], "A"),
        ("description", "in", [["FIRST", None]], "ABC"),
        ("description", "in", [[None]], "BC"),
        ("description", "nin", [["FIRST"]], "BC"),
        ("description", "nin", [[None]], "A"),
        ("description", "contains", [""], "AB"),
        ("name", "eq", [""], "C"),
    ],
)
def test_operator_finds_what_it_says(column: str, op: str, operands: list[Any], expected: str) -> None:
    make_one_of_each()
    assert found(ProductGrid, column, op, *operands) == list(expected)


@pytest.mark.parametrize(
    ("column", "op", "operands"),
    [
        ("rating", "eq", [1.5]),
        ("rating", "ne", [1.5]),
        ("rating", "between", [0, 9]),
        ("rating", "in", [[1.5, None]]),
        ("rating", "nin", [[1.5]]),
        ("rating", "blank", []),
        ("description", "contains", ["i"]),
        ("description", "in", [["first", "ß"]]),
        ("description", "in", [["first", None]]),
        ("description", "blank", []),
        ("restocked", "eq", ["2024-03-10"]),
        ("restocked", "in", [["2024-03-10", None, "2023-01-01T00:00:00Z"]]),
        ("attributes", "nblank", []),
        ("active", "isFalse", []),
    ],
)
def test_not_is_the_exact_complement_and_twice_not_is_nothing(column: str, op: str, operands: list[Any]) -> None:
    make_one_of_each()
    leaf = {"col": column, "op": op, **dict(zip(("value", "to"), operands, strict=False))}

    def ids(node: dict[str, Any]) -> set[Any]:
        return set(values(ask(ProductGrid, filter=node), "sku"))

    plain = ids(leaf)
    assert ids({"not": leaf}) == set(ALL) - plain
    assert ids({"not": {"not": leaf}}) == plain
    other = {"col": "stock", "op": "gt", "value": -1}
    assert ids({"not": {"and": [leaf, other]}}) == set(ALL) - (plain & ids(other))
    assert ids({"not": {"or": [leaf, other]}}) == set(ALL) - (plain | ids(other))


UNICODE = ["ÄRGER", "ärger", "Arger", "a_b", "a%b", "axb", "A\\B", "a.b", "ΣΊΣΥΦΟΣ", "привет", "ПРИВЕТ мир", "x\nÄ"]


@pytest.mark.parametrize(
    ("op", "value", "more", "expected"),
    [
        ("eq", "Ärger", {}, ["ÄRGER", "ärger"]),
        ("eq", "Ärger", {"ci": False}, []),
        ("eq", "ärger", {"ci": False}, ["ärger"]),
        ("eq", "ARGER", {}, ["Arger"]),
        ("eq", "ARGER", {"ci": False}, []),
        ("ne", "ärger", {}, [text for text in UNICODE if text.lower() != "ärger"]),
        ("contains", "Ä", {}, ["ÄRGER", "ärger", "x\nÄ"]),
        ("contains", "Ä", {"ci": False}, ["ÄRGER", "x\nÄ"]),
        ("contains", "ARG", {}, ["Arger"]),
        ("contains", "ARG", {"ci": False}, []),
        ("contains", "Arg", {"ci": False}, ["Arger"]),
        ("contains", "A_B", {}, ["a_b"]),
        ("contains", "a%", {}, ["a%b"]),
        ("contains", "a\\b", {}, ["A\\B"]),
        ("contains", "a.b", {}, ["a.b"]),
        ("contains", "a.b", {"ci": False}, ["a.b"]),
        ("contains", "Привет", {}, ["привет", "ПРИВЕТ мир"]),
        ("starts", "ПРИ", {}, ["привет", "ПРИВЕТ мир"]),
        ("starts", "ПРИ", {"ci": False}, ["ПРИВЕТ мир"]),
        ("starts", "A", {"ci": False}, ["Arger", "A\\B"]),
        ("ends", "вет", {}, ["привет"]),
        ("ends", "МИР", {}, ["ПРИВЕТ мир"]),
        ("ends", "b", {"ci": False}, ["a_b", "a%b", "axb", "a.b"]),
        ("in", ["Привет", "ARGER"], {}, ["Arger", "привет"]),
        ("in", ["ARGER", "A_B"], {}, ["Arger", "a_b"]),
        ("in", ["ARGER", "привет"], {"ci": False}, ["привет"]),
        ("nin", ["ПРИВЕТ"], {}, [text for text in UNICODE if text != "привет"]),
        ("ncontains", "r", {}, [text for text in UNICODE if "r" not in text.lower()]),
    ],
)
def test_text_is_compared_without_case_in_any_script_and_literally(
    op: str, value: Any, more: dict[str, Any], expected: list[str]
) -> None:
    make_products([{"name": text} for text in UNICODE])
    assert found(ProductGrid, "name", op, value, show="name", **more) == expected


@pytest.mark.parametrize("letter", ["a", "%", "é", "\U0001f600"], ids=ascii)
@pytest.mark.parametrize("op", ["contains", "eq", "starts"])
def test_text_of_the_largest_length_is_looked_for(op: str, letter: str) -> None:
    make_products([{"name": "plain"}])
    assert found(ProductGrid, "name", op, letter * TEXT_LENGTH_MAX, show="name") == []


def found_names(op: str, *operands: Any, tz: str | None = None) -> list[Any]:
    condition = {"col": "restocked", "op": op, **dict(zip(("value", "to"), operands, strict=False))}
    return values(ask(ProductGrid, filter=condition, sort=[{"col": "restocked"}], tz=tz), "name")


@pytest.fixture
def around_the_short_day() -> None:
    """New York's 10 March 2024 has 23 hours: it lasts from 05:00 UTC to 04:00 UTC of the 11th."""
    points = {
        "before": datetime(2024, 3, 10, 4, 59, 59, 999999, tzinfo=UTC),
        "first": datetime(2024, 3, 10, 5, tzinfo=UTC),
        "last": datetime(2024, 3, 11, 3, 59, 59, 999999, tzinfo=UTC),
        "after": datetime(2024, 3, 11, 4, tzinfo=UTC),
    }
    make_products([{"name": name, "restocked": point} for name, point in points.items()])
    make_products([{"sku": "never", "name": "never"}])


@pytest.mark.usefixtures("around_the_short_day")
@pytest.mark.parametrize(
    ("op", "operands", "expected"),
    [
        ("eq", ["2024-03-10"], ["first", "last"]),
        ("ne", ["2024-03-10"], ["before", "after", "never"]),
        ("lt", ["2024-03-10"], ["before"]),
        ("lte", ["2024-03-10"], ["before", "first", "last"]),
        ("gt", ["2024-03-10"], ["after"]),
        ("gte", ["2024-03-10"], ["first", "last", "after"]),
        ("between", ["2024-03-10", "2024-03-10"], ["first", "last"]),
        ("between", ["2024-03-09", "2024-03-11"], ["before", "first", "last", "after"]),
        ("in", [["2024-03-10"]], ["first", "last"]),
        ("in", [["2024-03-09", "2024-03-11T00:00:00"]], ["before", "after"]),
        ("in", [["2024-03-11T04:00:00Z", None]], ["after", "never"]),
        ("nin", [["2024-03-10", None]], ["before", "after"]),
        ("eq", ["2024-03-10T00:00:00"], ["first"]),
        ("gt", ["2024-03-10T23:59:59.999998"], ["last", "after"]),
        ("gte", ["2024-03-11T04:00:00+00:00"], ["after"]),
        ("blank", [], ["never"]),
    ],
)
def test_day_means_the_half_open_day_of_the_grids_zone(op: str, operands: list[Any], expected: list[str]) -> None:
    assert found_names(op, *operands) == expected


@pytest.mark.usefixtures("around_the_short_day")
def test_day_follows_the_zone_that_the_query_names() -> None:
    assert found_names("eq", "2024-03-10", tz="UTC") == ["before", "first"]
    page = ask(ProductGrid, search="first", tz="Asia/Kathmandu")
    assert values(page, "restocked") == ["2024-03-10T10:45:00+05:45"]


def test_json_null_and_no_document_are_both_blank() -> None:
    make_products([{"sku": "NULL", "attributes": Value(None, JSONField())}, {"sku": "DOC", "attributes": []}])
    assert found(ProductGrid, "attributes", "blank") == ["NULL"]
    assert found(ProductGrid, "attributes", "nblank") == ["DOC"]


def test_optional_relation_keeps_rows_without_it_where_they_belong() -> None:
    make_orders(4)
    show = {"show": "id"}
    everything = found(OrderGrid, "id", "nblank", **show)
    bobs = found(OrderGrid, "referrer_name", "eq", "BOB", **show)
    assert len(bobs) == 2
    assert found(OrderGrid, "referrer_name", "ne", "BOB", **show) == [pk for pk in everything if pk not in bobs]
    assert found(OrderGrid, "referrer_name", "blank", **show) == [pk for pk in everything if pk not in bobs]
    assert found(OrderGrid, "referrer_name", "in", ["bob", None], **show) == everything
    assert found(OrderGrid, "referrer", "nblank", **show) == bobs
    assert found(OrderGrid, "referrer_name", "ncontains", "ä", **show) == everything


def test_foreign_key_to_a_text_key_compares_text_without_a_join() -> None:
    class ByCode(Grid):
        class Meta:
            model = Product
            id = "by-code"
            columns = ["sku"]

    make_products([{"sku": "ab"}])
    assert found(ByCode, "sku", "eq", "AB") == ["ab"]


@pytest.mark.parametrize(
    ("node", "pointer", "error"),
    [
        ({"col": "nope", "op": "eq", "value": 1}, "/filter/col", UnknownColumnError),
        ({"col": "stock", "op": "contains", "value": "1"}, "/filter/op", UnknownOperatorError),
        ({"col": "attributes", "op": "eq", "value": "1"}, "/filter/op", UnknownOperatorError),
        ({"col": "stock", "op": "eq", "value": "x"}, "/filter/value", FilterValueError),
        ({"col": "stock", "op": "in", "value": [1, "x"]}, "/filter/value/1", FilterValueError),
        ({"col": "stock", "op": "between", "value": 1, "to": "x"}, "/filter/to", FilterValueError),
        ({"col": "stock", "op": "eq", "value": 1, "ci": False}, "/filter/ci", QueryError),
        (
            {"and": [{"not": {"or": [{"col": "sku", "op": "eq", "value": 5}]}}]},
            "/filter/and/0/not/or/0/value",
            FilterValueError,
        ),
    ],
)
def test_filter_that_the_grid_can_not_answer_is_refused_at_its_place(
    node: dict[str, Any], pointer: str, error: type[QueryError]
) -> None:
    with pytest.raises(error) as refusal:
        ask(ProductGrid, filter=node)
    assert type(refusal.value) is error
    assert [item.pointer for item in refusal.value.errors] == [pointer]


def test_column_that_is_not_filterable_says_so() -> None:
    class Fixed(Grid):
        name = TextColumn(filterable=False)

        class Meta:
            model = Product
            id = "fixed"
            columns = ["name"]

    with pytest.raises(UnknownOperatorError, match="can't be filtered"):
        ask(Fixed, CLERK, filter={"col": "name", "op": "blank"})


@pytest.mark.django_db
@pytest.mark.both_databases
def test_point_in_time_with_an_offset_of_almost_a_day_is_the_same_point() -> None:
    make_products([{"restocked": datetime(2024, 8, 19, 7, 43, 9, tzinfo=UTC)}])
    assert found(ProductGrid, "restocked", "eq", "2024-08-20T05:37:09+21:54") == ["P000"]
