"""Single rows over HTTP: versions, conditions and edits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.dispatch import Signal
from rest_framework.test import APIClient

from gridkit_django.events import Moment, signal_for
from gridkit_django.exceptions import EventRejected
from tests.api.conftest import PRODUCTS, client_of
from tests.api.test_base import assert_problem
from tests.shop.models import Customer, Product


@pytest.fixture
def address(products: list[Product]) -> str:
    return f"{PRODUCTS}records/{products[0].pk}/"


def patch(client: APIClient, address: str, changes: dict[str, Any], **headers: str) -> Any:
    return client.patch(address, {"changes": changes}, format="json", headers=headers)


def tag_of(client: APIClient, address: str) -> str:
    return str(client.get(address)["ETag"])


def test_row_comes_with_its_version_as_tag(reader: APIClient, address: str) -> None:
    response = reader.get(address)
    row = response.json()["row"]
    assert row["d"] == {"sku": "S1", "name": "Thing 1", "category": "book", "stock": 10, "rating": None}
    assert response["ETag"] == f'"{row["v"]}"'
    assert "private" in response["Cache-Control"]


def test_row_that_the_client_has_is_not_sent_again(reader: APIClient, address: str) -> None:
    response = reader.get(address, headers={"If-None-Match": tag_of(reader, address)})
    assert (response.status_code, response.content) == (304, b"")


@pytest.mark.parametrize("key", ["99999", "x", "1/2", "1%00", "9" * 400])
def test_row_that_does_not_exist_is_not_found(editor: APIClient, products: list[Product], key: str) -> None:
    assert_problem(editor.get(f"{PRODUCTS}records/{key}/"), 404, "record-not-found")
    response = patch(editor, f"{PRODUCTS}records/{key}/", {"name": "x"}, **{"If-Match": '"v"'})
    assert_problem(response, 404, "record-not-found")


def test_row_out_of_sight_is_not_found(make_user: Callable[..., User]) -> None:
    client = client_of(make_user("dane", "gridkit_django.open_grid", last_name="DK"))
    near = Customer.objects.create(name="Near", email="a@x.org", country="DK")
    far = Customer.objects.create(name="Far", email="b@x.org", country="SE")
    place = "/gridkit/api/grids/api-customers/records/"
    assert client.get(f"{place}{near.pk}/").status_code == 200
    assert_problem(client.get(f"{place}{far.pk}/"), 404, "record-not-found")


@pytest.mark.both_databases
def test_edit_changes_the_row_and_answers_it_with_its_new_version(editor: APIClient, address: str) -> None:
    old = tag_of(editor, address)
    response = patch(editor, address, {"name": "New", "price": "9.75"}, **{"If-Match": old})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["row"]["d"]["name"], answer["row"]["d"]["price"]) == ("New", "9.75")
    assert answer["changed"] == ["name", "price"]
    assert answer["matchesFilter"] is None
    assert response["ETag"] == f'"{answer["row"]["v"]}"' != old
    assert Product.objects.get(sku="S1").name == "New"


@pytest.mark.parametrize(("value", "matches"), [("Thing one", True), ("Else", False)])
def test_edit_tells_whether_the_row_still_belongs_to_the_query(
    editor: APIClient, address: str, value: str, matches: bool
) -> None:
    query = {"filter": {"col": "name", "op": "contains", "value": "thing"}}
    body = {"changes": {"name": value}, "query": query}
    response = editor.patch(address, body, format="json", headers={"If-Match": tag_of(editor, address)})
    assert response.json()["matchesFilter"] is matches


def test_edit_without_a_condition_is_refused(editor: APIClient, address: str) -> None:
    for headers in ({}, {"If-Match": " "}):
        assert_problem(patch(editor, address, {"name": "x"}, **headers), 428, "version-required")


@pytest.mark.both_databases
def test_edit_of_an_old_version_is_refused_with_both_values(editor: APIClient, address: str) -> None:
    old = tag_of(editor, address)
    patch(editor, address, {"name": "First"}, **{"If-Match": old})
    document = assert_problem(patch(editor, address, {"name": "Second"}, **{"If-Match": old}), 412, "version-conflict")
    assert document["current"]["d"]["name"] == "First"
    assert document["current"]["v"] == tag_of(editor, address).strip('"')
    assert document["yours"] == {"name": "Second"}
    assert Product.objects.get(sku="S1").name == "First"


def test_star_matches_whatever_the_row_is_now(editor: APIClient, address: str) -> None:
    assert patch(editor, address, {"name": "x"}, **{"If-Match": "*"}).status_code == 200


def test_one_of_several_tags_suffices(editor: APIClient, address: str) -> None:
    tag = tag_of(editor, address)
    assert patch(editor, address, {"name": "x"}, **{"If-Match": f'"old", {tag}'}).status_code == 200
    assert_problem(patch(editor, address, {"name": "y"}, **{"If-Match": '"old", "older"'}), 412, "version-conflict")


def test_version_without_quotes_is_taken(editor: APIClient, address: str) -> None:
    bare = tag_of(editor, address).strip('"')
    assert patch(editor, address, {"name": "x"}, **{"If-Match": bare}).status_code == 200


@pytest.mark.parametrize("form", ["W/{tag}", 'W/{tag}, W/"b"', '""'])
def test_weak_tag_never_matches(editor: APIClient, address: str, form: str) -> None:
    header = form.format(tag=tag_of(editor, address))
    response = patch(editor, address, {"name": "x"}, **{"If-Match": header})
    assert response.status_code in {412, 428}
    assert Product.objects.get(sku="S1").name == "Thing 1"


def test_malformed_condition_is_refused(editor: APIClient, address: str) -> None:
    assert_problem(patch(editor, address, {"name": "x"}, **{"If-Match": '"half'}), 400, "header-invalid")


def test_edit_without_the_right_is_refused(reader: APIClient, address: str) -> None:
    assert_problem(patch(reader, address, {"name": "x"}, **{"If-Match": '"v"'}), 403, "access-denied")


def test_column_that_is_not_editable_is_refused(editor: APIClient, address: str) -> None:
    response = patch(editor, address, {"stock": 1}, **{"If-Match": tag_of(editor, address)})
    document = assert_problem(response, 403, "column-not-editable")
    assert document["errors"][0]["pointer"] == "/changes/stock"


def test_value_that_the_model_refuses_is_refused_with_its_place(editor: APIClient, address: str) -> None:
    response = patch(editor, address, {"price": "-1.00"}, **{"If-Match": tag_of(editor, address)})
    document = assert_problem(response, 422, "edit-invalid")
    assert document["errors"][0]["pointer"] == "/changes/price"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/changes"),
        ({"changes": {}}, "/changes"),
        ({"changes": []}, "/changes"),
        ({"changes": {"a": 1}, "x": 1}, "/x"),
    ],
)
def test_body_of_another_shape_is_refused(editor: APIClient, address: str, body: Any, pointer: str) -> None:
    response = editor.patch(address, body, format="json", headers={"If-Match": "*"})
    document = assert_problem(response, 422, "body-invalid")
    assert [item["pointer"] for item in document["errors"]] == [pointer]


@pytest.fixture
def veto() -> Iterator[None]:
    """Let a Django receiver refuse every edit."""
    signal: Signal = signal_for("row:update", Moment.BEFORE)

    def refuse(**_kwargs: Any) -> None:
        raise EventRejected("Not on a Sunday.")

    signal.connect(refuse)
    yield
    signal.disconnect(refuse)


@pytest.mark.usefixtures("veto")
def test_vetoed_edit_is_refused_with_the_reason(editor: APIClient, address: str) -> None:
    response = patch(editor, address, {"name": "x"}, **{"If-Match": tag_of(editor, address)})
    assert assert_problem(response, 409, "event-rejected")["detail"] == "Not on a Sunday."
    assert Product.objects.get(sku="S1").name == "Thing 1"
