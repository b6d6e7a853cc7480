"""Windows of rows over HTTP. What queries mean is tested in tests/grids."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from tests.api.conftest import PRODUCTS
from tests.api.test_base import assert_problem

ROWS = PRODUCTS + "rows/"


@pytest.mark.both_databases
def test_empty_body_gives_the_first_window_in_default_order(reader: APIClient, products: list[Any]) -> None:
    answer = reader.post(ROWS, {}, format="json").json()
    assert [row["d"]["sku"] for row in answer["rows"]] == ["S1", "S2", "S3"]
    assert set(answer["rows"][0]) == {"id", "v", "d"}
    assert answer["window"]["hasNext"] is True
    assert answer["count"] == {"value": 5, "is": "exact"}
    assert answer["state"]["sort"] == [{"col": "sku", "dir": "asc"}]


def test_meta_names_the_request_and_the_schema(reader: APIClient, products: list[Any]) -> None:
    response = reader.post(ROWS, {}, format="json", headers={"X-Request-ID": "r1"})
    meta = response.json()["meta"]
    assert meta["requestId"] == "r1"
    assert reader.get(PRODUCTS + "schema/")["ETag"] == f'"{meta["schemaEtag"]}"'
    assert meta["ms"] > 0


@pytest.mark.both_databases
def test_cursor_leads_through_all_rows(reader: APIClient, products: list[Any]) -> None:
    first = reader.post(ROWS, {}, format="json").json()
    window = {"kind": "cursor", "after": first["window"]["next"]}
    second = reader.post(ROWS, {"window": window}, format="json").json()
    assert [row["d"]["sku"] for row in second["rows"]] == ["S4", "S5"]
    other = reader.post(ROWS, {"window": window, "sort": [{"col": "stock", "dir": "asc"}]}, format="json")
    assert_problem(other, 409, "cursor-mismatch")
    assert_problem(
        reader.post(ROWS, {"window": {"kind": "cursor", "after": "x"}}, format="json"), 422, "cursor-invalid"
    )


@pytest.mark.both_databases
def test_question_in_the_address_answers_like_the_body(reader: APIClient, products: list[Any]) -> None:
    question = {
        "columns": ["sku", "stock"],
        "filter": {
            "and": [{"col": "stock", "op": "gte", "value": 20}, {"col": "name", "op": "contains", "value": "t"}]
        },
        "sort": [{"col": "stock", "dir": "desc"}],
        "count": "exact",
    }
    posted = reader.post(ROWS, question, format="json").json()
    linked = reader.get(f"{ROWS}?q={quote(json.dumps(question))}").json()
    assert [row["d"] for row in posted["rows"]] == [
        {"sku": "S5", "stock": 50},
        {"sku": "S4", "stock": 40},
        {"sku": "S3", "stock": 30},
    ]
    for answer in (posted, linked):
        # A cursor holds the second it was signed in, and the meta data say how long it took.
        del answer["meta"], answer["window"]["next"]
    assert posted == linked


def test_address_without_a_question_gives_the_first_window(reader: APIClient, products: list[Any]) -> None:
    assert len(reader.get(ROWS).json()["rows"]) == 3


def test_question_in_the_address_that_is_no_json_is_refused(reader: APIClient) -> None:
    assert_problem(reader.get(ROWS + "?q={"), 400, "body-unreadable")


@pytest.mark.parametrize(
    ("question", "code", "pointer"),
    [
        ({"colour": 1}, "query-invalid", ""),
        ([], "query-invalid", ""),
        ({"sort": [{"col": "sku", "dir": "up"}]}, "query-invalid", "/sort/0/dir"),
        ({"filter": {"col": "stock", "op": "contains", "value": "1"}}, "operator-unknown", "/filter/op"),
        ({"filter": {"col": "stock", "op": "eq", "value": "many"}}, "filter-value-invalid", "/filter/value"),
        ({"window": {"kind": "cursor", "size": 501}}, "query-limit-exceeded", "/window/size"),
        ({"search": "x" * 201}, "query-limit-exceeded", "/search"),
        ({"columns": ["nope"]}, "column-unknown", "/columns/0"),
    ],
)
def test_question_that_makes_no_sense_is_refused_with_the_place(
    reader: APIClient, question: Any, code: str, pointer: str
) -> None:
    document = assert_problem(reader.post(ROWS, question, format="json"), 422, code)
    assert [item["pointer"] for item in document["errors"]] == [pointer]


@pytest.mark.both_databases
def test_groups_with_totals_and_facets_cross_the_wire(reader: APIClient, products: list[Any]) -> None:
    question = {
        "group": ["category"],
        "aggregates": [{"col": "stock", "fn": "sum", "as": "stock"}],
        "include": ["totals", {"facets": ["rating"]}],
        "sort": [{"col": "name", "dir": "asc"}],
    }
    answer = reader.post(ROWS, question, format="json").json()
    assert all(row["g"]["level"] == 0 and row["v"] == "" for row in answer["rows"])
    assert answer["totals"]["stock"] == sum(row["d"]["stock"] for row in answer["rows"])
    assert sum(value["count"] for value in answer["facets"]["rating"]["values"]) == len(products)
    assert answer["dropped"] == ["/sort/0"]
    assert "pivotFields" not in answer


def test_facet_and_lookup_answer_through_the_gate(reader: APIClient, products: list[Any]) -> None:
    facet = reader.post(f"{PRODUCTS}facets/sku/", {"order": "value", "size": 2}, format="json").json()
    assert [item["value"] for item in facet["values"]] == ["S1", "S2"]
    more = reader.post(f"{PRODUCTS}facets/sku/", {"order": "value", "after": facet["next"]}, format="json").json()
    assert [item["value"] for item in more["values"]] == ["S3", "S4", "S5"]
    options = reader.post(f"{PRODUCTS}lookup/sku/", {"q": "s4"}, format="json").json()
    assert options == {"options": [{"value": "S4", "label": "S4"}], "hasNext": False, "next": None}
    for kind in ("facets", "lookup"):
        assert_problem(reader.post(f"{PRODUCTS}{kind}/nothing/", {}, format="json"), 422, "column-unknown")
        assert_problem(reader.post(f"{PRODUCTS}{kind}/sku/", {"colour": 1}, format="json"), 422, "query-invalid")
        assert_problem(reader.post(f"/gridkit/api/grids/nowhere/{kind}/sku/", {}, format="json"), 404, "grid-not-found")
