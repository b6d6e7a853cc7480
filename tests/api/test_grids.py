"""The list of grids and their schemas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient

from gridkit_django.models import RegisteredGrid
from tests.api.conftest import PRODUCTS, client_of

GRIDS = "/gridkit/api/grids/"


def ours(response: Any) -> list[dict[str, Any]]:
    """Return the entries of the API tests' grids."""
    return [entry for entry in response.json()["results"] if entry["id"].startswith("api-")]


def test_list_holds_the_grids_that_the_user_may_open(reader: APIClient, stranger: APIClient) -> None:
    assert ours(reader.get(GRIDS))[1] == {
        "id": "api-products",
        "label": "Products",
        "url": PRODUCTS,
        "permissions": {"edit": False, "create": False, "delete": False, "export": False},
    }
    assert ours(stranger.get(GRIDS)) == []


def test_right_on_a_single_grid_opens_that_grid_only(make_user: Callable[..., User]) -> None:
    user = make_user("guest")
    row = RegisteredGrid.objects.create(grid_id="api-products", label="Products", model_label="shop.product")
    assign_perm("gridkit_django.open_grid", user, row)
    assert [entry["id"] for entry in ours(client_of(user).get(GRIDS))] == ["api-products"]


def test_address_of_an_entry_answers_the_entry(reader: APIClient) -> None:
    entry = ours(reader.get(GRIDS))[1]
    assert reader.get(entry["url"]).json() == entry


def test_schema_shows_what_the_user_may_see(reader: APIClient, editor: APIClient) -> None:
    schema = reader.get(PRODUCTS + "schema/").json()
    assert [column["id"] for column in schema["columns"]] == ["sku", "name", "category", "stock", "rating"]
    assert schema["permissions"] == {"edit": False, "create": False, "delete": False, "export": False, "share": False}
    assert not any(column["editable"] for column in schema["columns"])
    full = editor.get(PRODUCTS + "schema/").json()
    assert {column["id"] for column in full["columns"] if column["editable"]} == {"name", "price"}


def test_schema_comes_with_a_tag_for_the_users_own_cache(reader: APIClient) -> None:
    response = reader.get(PRODUCTS + "schema/")
    assert response["ETag"].startswith('"')
    assert "private" in response["Cache-Control"]
    assert {"Authorization", "Cookie"} <= {part.strip() for part in response["Vary"].split(",")}


def test_tag_of_the_schema_differs_by_rights(reader: APIClient, editor: APIClient) -> None:
    assert reader.get(PRODUCTS + "schema/")["ETag"] != editor.get(PRODUCTS + "schema/")["ETag"]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
def test_schema_that_the_client_has_is_not_sent_again(reader: APIClient, form: str, method: str) -> None:
    tag = reader.get(PRODUCTS + "schema/")["ETag"]
    response = getattr(reader, method)(PRODUCTS + "schema/", headers={"If-None-Match": form.format(tag=tag)})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", tag)
    assert "private" in response["Cache-Control"]


def test_schema_is_sent_when_the_clients_tag_is_old(reader: APIClient) -> None:
    response = reader.get(PRODUCTS + "schema/", headers={"If-None-Match": '"old"'})
    assert response.status_code == 200


def test_malformed_tag_is_refused(reader: APIClient) -> None:
    response = reader.get(PRODUCTS + "schema/", headers={"If-None-Match": '"half'})
    assert (response.status_code, response.json()["code"]) == (400, "header-invalid")
