"""Other grids over the wire: the rows, the refusals, and the same closed doors as everywhere."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from gridkit_django.grids.dialects import DIALECTS
from tests.api.conftest import PRODUCTS

pytestmark = pytest.mark.django_db

AGGRID = PRODUCTS + "compat/aggrid/"
BLOCK = {"startRow": 0, "endRow": 2, "sortModel": [{"colId": "sku", "sort": "desc"}]}


def test_grid_gets_its_rows_in_its_own_words(reader: APIClient, products: list[Any]) -> None:
    response = reader.post(AGGRID, BLOCK, format="json")

    assert response.status_code == 200
    answer = response.json()
    assert [row["sku"] for row in answer["rowData"]] == ["S5", "S4"]
    assert answer["rowCount"] == 5
    assert "price" not in answer["rowData"][0]


def test_version_of_a_row_serves_an_edit(editor: APIClient, products: list[Any]) -> None:
    row = editor.post(AGGRID, BLOCK, format="json").json()["rowData"][0]

    edit = editor.patch(
        f"{PRODUCTS}records/{row['$id']}/",
        {"changes": {"name": "New"}},
        format="json",
        headers={"If-Match": f'"{row["$v"]}"'},
    )

    assert edit.status_code == 200


def test_refusal_is_a_problem_document_that_points_into_the_request(reader: APIClient, products: list[Any]) -> None:
    response = reader.post(AGGRID, {**BLOCK, "sortModel": [{"colId": "sku", "sort": "up"}]}, format="json")

    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "dialect-not-understood")
    assert problem["errors"][0]["pointer"] == "/sortModel/0/sort"


def test_hidden_and_unknown_columns_are_refused_alike(reader: APIClient, products: list[Any]) -> None:
    def told(name: str) -> Any:
        response = reader.post(AGGRID, {**BLOCK, "sortModel": [{"colId": name, "sort": "asc"}]}, format="json")
        problem = response.json()
        del problem["requestId"]
        return response.status_code, str(problem).replace(name, "NAME")

    assert told("price") == told("prize")


def test_unknown_dialect_is_no_address(reader: APIClient) -> None:
    response = reader.post(PRODUCTS + "compat/kendo/", {}, format="json")

    assert (response.status_code, response.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_may_not_open_the_grid_finds_none(dialect: str, stranger: APIClient, anonymous: APIClient) -> None:
    response = stranger.post(f"{PRODUCTS}compat/{dialect}/", {}, format="json")

    assert (response.status_code, response.json()["code"]) == (404, "grid-not-found")
    assert anonymous.post(f"{PRODUCTS}compat/{dialect}/", {}, format="json").status_code == 401


@pytest.mark.parametrize("dialect", DIALECTS)
def test_body_that_is_no_object_is_refused(dialect: str, reader: APIClient) -> None:
    response = reader.post(f"{PRODUCTS}compat/{dialect}/", [], format="json")

    assert (response.status_code, response.json()["code"]) == (422, "dialect-not-understood")


def test_document_names_the_dialects(anonymous: APIClient) -> None:
    operation = anonymous.get("/gridkit/api/schema/").json()["paths"]["/grids/{grid}/compat/{dialect}/"]["post"]

    (dialect,) = (item for item in operation["parameters"] if item["name"] == "dialect")
    assert sorted(dialect["schema"]["enum"]) == sorted(DIALECTS)
