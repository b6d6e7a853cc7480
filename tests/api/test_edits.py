"""Creating, deleting, batches and undoing over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from rest_framework.test import APIClient

from gridkit_django.grids import grid_registry
from gridkit_django.grids.bulk_jobs import run_bulk
from tests.api.conftest import client_of
from tests.api.test_base import assert_problem
from tests.grids.edits import CustomerEditGrid, OrderEditGrid, ProductEditGrid, order
from tests.shop.models import Customer, Order, Product

GRID = "/gridkit/api/grids/edit-products/"
CUSTOMERS = "/gridkit/api/grids/edit-customers/"
NEW = {"sku": "N-1", "name": "New", "price": "1.50"}

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def edit_grids() -> Iterator[None]:
    for grid in (ProductEditGrid, CustomerEditGrid, OrderEditGrid):
        grid_registry().register(grid)
    yield
    for grid in (ProductEditGrid, CustomerEditGrid, OrderEditGrid):
        grid_registry().unregister(grid.declaration().options.id)


@pytest.fixture
def admin(db: None) -> APIClient:
    return client_of(User.objects.create_superuser("ada"))


def post(client: APIClient, address: str, body: Any, **headers: str) -> Any:
    return client.post(address, body, format="json", headers=headers)


def create(client: APIClient, **values: Any) -> dict[str, Any]:
    answer: dict[str, Any] = post(client, GRID + "records/", {"values": {**NEW, **values}}).json()
    return answer


def test_new_row_is_answered_with_its_version(admin: APIClient) -> None:
    query = {"filter": {"col": "sku", "op": "eq", "value": "N-1"}}
    response = post(admin, GRID + "records/", {"values": NEW, "query": query})
    answer = response.json()
    assert response.status_code == 201
    assert response["ETag"] == f'"{answer["row"]["v"]}"'
    assert (answer["matchesFilter"], answer["moved"]) == (True, True)
    assert answer["row"]["d"]["price"] == "1.50"
    assert Product.objects.get().pk == answer["row"]["id"]


def test_faults_of_a_new_row_have_places(admin: APIClient) -> None:
    document = assert_problem(post(admin, GRID + "records/", {"values": {"sku": "x"}}), 422, "edit-invalid")
    assert {item["pointer"] for item in document["errors"]} == {"/values/name", "/values/price"}
    assert_problem(post(admin, GRID + "records/", {"values": [], "x": 1}), 422, "body-invalid")


def test_row_is_deleted_under_its_version(admin: APIClient) -> None:
    row = create(admin)["row"]
    address = f"{GRID}records/{row['id']}/"
    assert_problem(admin.delete(address), 428, "version-required")
    document = assert_problem(admin.delete(address, headers={"If-Match": '"old"'}), 412, "version-conflict")
    assert document["current"] == row
    response = admin.delete(address, headers={"If-Match": f'"{row["v"]}"'})
    assert (response.status_code, response.json()["id"]) == (200, row["id"])
    assert not Product.objects.exists()
    assert_problem(admin.delete(address, headers={"If-Match": "*"}), 404, "record-not-found")


def test_rows_that_would_go_along_are_told_first(admin: APIClient) -> None:
    customer = order().customer
    address = f"{CUSTOMERS}records/{customer.pk}/"
    document = assert_problem(admin.delete(address, headers={"If-Match": "*"}), 409, "delete-cascades")
    assert document["cascades"] == [{"label": "Orders", "count": 1}]
    assert_problem(admin.delete(address + "?cascade=yes", headers={"If-Match": "*"}), 422, "filter-value-invalid")
    assert admin.delete(address + "?cascade=true", headers={"If-Match": "*"}).json()["undo"] is None
    assert not Order.objects.exists()


def test_row_that_others_need_stays(admin: APIClient) -> None:
    product = order().product
    response = admin.delete(f"{GRID}records/{product.pk}/", headers={"If-Match": "*"})
    assert_problem(response, 409, "delete-protected")


def test_creating_and_deleting_take_rights(make_user: Callable[..., User], admin: APIClient) -> None:
    row = create(admin)["row"]
    client = client_of(make_user("bob", "gridkit_django.open_grid", "gridkit_django.edit_grid"))
    assert_problem(post(client, GRID + "records/", {"values": {}}), 403, "access-denied")
    assert_problem(client.delete(f"{GRID}records/{row['id']}/", headers={"If-Match": "*"}), 403, "access-denied")
    assert client.get(GRID).json()["permissions"] == {"edit": True, "create": False, "delete": False, "export": False}
    stranger = client_of(make_user("eve"))
    for place in ("records/", "batch/", "undo/"):
        assert_problem(post(stranger, GRID + place, {}), 404, "grid-not-found")


def test_batch_answers_a_verdict_for_each_item(admin: APIClient) -> None:
    first, second = create(admin, sku="A")["row"], create(admin, sku="B")["row"]
    items = [
        {"op": "create", "values": NEW, "tempId": "t1"},
        {"op": "update", "id": first["id"], "v": first["v"], "changes": {"stock": 7}},
        {"op": "delete", "id": second["id"], "v": second["v"]},
        {"op": "update", "id": first["id"], "v": first["v"], "changes": {"stock": 8}},
    ]
    response = post(admin, GRID + "batch/", {"items": items, "atomic": False})
    made, changed, gone, refused = response.json()["results"]
    assert (made["ok"], made["tempId"], made["row"]["d"]["sku"]) == (True, "t1", "N-1")
    assert (changed["ok"], changed["changed"], changed["problem"]) == (True, ["stock"], None)
    assert (gone["ok"], gone["id"], gone["row"]) == (True, second["id"], None)
    assert refused["ok"] is False
    assert (refused["problem"]["status"], refused["problem"]["code"]) == (412, "version-conflict")
    assert refused["problem"]["current"] == changed["row"]
    undone = post(admin, GRID + "undo/", {"token": response.json()["undo"]}).json()
    assert [row["op"] for row in undone["rows"]] == ["create", "update", "delete"]
    assert sorted(Product.objects.values_list("sku", "stock")) == [("A", 0), ("B", 0)]


def test_atomic_batch_with_a_fault_is_a_problem_with_verdicts(admin: APIClient) -> None:
    items = [{"op": "create", "values": NEW}, {"op": "create", "values": {**NEW, "stock": "x"}}]
    document = assert_problem(post(admin, GRID + "batch/", {"items": items}), 409, "batch-rejected")
    assert [item["ok"] for item in document["results"]] == [True, False]
    assert [item["pointer"] for item in document["results"][1]["problem"]["errors"]] == ["/items/1/values/stock"]
    assert not Product.objects.exists()


@pytest.mark.parametrize(
    "item",
    [
        {"op": "create"},
        {"op": "create", "values": {}, "id": 1},
        {"op": "create", "values": {}, "cascade": True},
        {"op": "update", "id": 1, "changes": {}},
        {"op": "update", "id": 1, "v": "x", "changes": {}, "tempId": "t"},
        {"op": "delete", "id": 1, "v": "x", "changes": {}},
        {"op": "move", "id": 1, "v": "x"},
        {"op": "delete", "id": 1, "v": "x", "other": 1},
    ],
    ids=str,
)
def test_item_of_another_shape_is_refused(admin: APIClient, item: dict[str, Any]) -> None:
    document = assert_problem(post(admin, GRID + "batch/", {"items": [item]}), 422, "body-invalid")
    assert document["errors"][0]["pointer"].startswith("/items/0")


def test_request_with_a_key_is_done_once(admin: APIClient) -> None:
    body = {"items": [{"op": "create", "values": NEW}]}
    first = post(admin, GRID + "batch/", body, **{"Idempotency-Key": "k1"})
    again = post(admin, GRID + "batch/", body, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert (first.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert Product.objects.count() == 1
    other = post(admin, GRID + "batch/", {**body, "atomic": False}, **{"Idempotency-Key": "k1"})
    assert_problem(other, 422, "idempotency-key-reused")
    elsewhere = post(admin, GRID + "records/", {"values": NEW}, **{"Idempotency-Key": "k1"})
    assert_problem(elsewhere, 422, "idempotency-key-reused")


def test_new_row_with_a_key_is_made_once(admin: APIClient) -> None:
    answers = [post(admin, GRID + "records/", {"values": NEW}, **{"Idempotency-Key": "k2"}) for _ in range(2)]
    assert [(answer.status_code, answer["ETag"]) for answer in answers] == [(201, answers[0]["ETag"])] * 2
    assert Product.objects.count() == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "\u00e9"])
def test_malformed_key_is_refused(admin: APIClient, key: str) -> None:
    response = post(admin, GRID + "records/", {"values": NEW}, **{"Idempotency-Key": key})
    assert_problem(response, 400, "header-invalid")


def test_edit_is_undone_by_its_token(admin: APIClient) -> None:
    row = create(admin)["row"]
    address = f"{GRID}records/{row['id']}/"
    headers = {"If-Match": f'"{row["v"]}"'}
    token = admin.patch(address, {"changes": {"stock": 5}}, format="json", headers=headers).json()["undo"]
    answer = post(admin, GRID + "undo/", {"token": token}).json()
    assert (answer["rows"][0]["row"]["d"]["stock"], answer["failed"]) == (0, [])
    assert_problem(post(admin, GRID + "undo/", {"token": token}), 409, "undo-not-possible")
    assert_problem(post(admin, GRID + "undo/", {"token": "x"}), 409, "undo-not-possible")


def test_undo_of_a_deletion_brings_the_row_back(admin: APIClient) -> None:
    row = create(admin)["row"]
    token = admin.delete(f"{GRID}records/{row['id']}/", headers={"If-Match": "*"}).json()["undo"]
    answer = post(admin, GRID + "undo/", {"token": token}).json()
    assert answer["rows"] == [{"op": "create", "id": row["id"], "row": row, "changed": answer["rows"][0]["changed"]}]
    assert Customer.objects.count() == 0


def bulk(client: APIClient, count: int, **body: Any) -> Any:
    wanted = {"action": "update", "selection": {"query": {}}, "expectedCount": count, **body}
    return post(client, GRID + "bulk/", wanted)


def test_bulk_change_of_few_rows_is_done_at_once(admin: APIClient) -> None:
    for number in range(3):
        create(admin, sku=f"S{number}", stock=number)
    selection = {"query": {"filter": {"col": "stock", "op": "gt", "value": 0}}}
    answer = bulk(admin, 2, selection=selection, changes={"stock": 9}).json()
    assert (answer["rows"], answer["changed"]) == (2, 2)
    assert sorted(Product.objects.values_list("stock", flat=True)) == [0, 9, 9]
    assert len(post(admin, GRID + "undo/", {"token": answer["undo"]}).json()["rows"]) == 2
    assert bulk(admin, 3, action="delete").json()["changed"] == 3
    assert not Product.objects.exists()


def test_bulk_change_of_another_number_of_rows_is_refused(admin: APIClient) -> None:
    create(admin)
    document = assert_problem(bulk(admin, 2, changes={"stock": 9}), 409, "bulk-count-drift")
    assert (document["count"], document["expected"]) == (1, 2)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"changes": {"stock": 1}, "action": "delete"},
        {"changes": {"stock": 1}, "cascade": True},
        {"changes": {"stock": 1}, "selection": {"query": {}, "all": True}},
        {"changes": {"stock": 1}, "expectedCount": -1},
        {"changes": {"stock": 1}, "action": "move"},
    ],
    ids=str,
)
def test_bulk_change_of_another_shape_is_refused(admin: APIClient, body: dict[str, Any]) -> None:
    assert_problem(bulk(admin, 0, **body), 422, "body-invalid")


def test_selection_with_a_fault_is_refused_with_its_place(admin: APIClient) -> None:
    selection = {"query": {"filter": {"col": "nosuch", "op": "blank"}}}
    document = assert_problem(bulk(admin, 0, selection=selection, changes={"stock": 1}), 422, "column-unknown")
    assert document["errors"][0]["pointer"] == "/selection/query/filter/col"


@override_settings(GRIDKIT={"BULK_ROWS_INLINE": 1})
def test_bulk_change_of_many_rows_is_a_job(admin: APIClient, make_user: Callable[..., User]) -> None:
    for number in range(2):
        create(admin, sku=f"S{number}")
    response = bulk(admin, 2, changes={"stock": 9})
    job = response.json()["job"]
    assert (response.status_code, response["Location"]) == (202, job["url"])
    assert (job["kind"], job["action"], job["state"], job["rowsTotal"]) == ("bulk", "update", "queued", 2)
    assert admin.get(job["url"]).json() == job
    assert [item["id"] for item in admin.get(GRID + "jobs/?kind=bulk").json()["results"]] == [job["id"]]
    assert admin.get(GRID + "jobs/?kind=bulk&state=failed").json()["results"] == []
    assert admin.get(GRID + "jobs/").json()["results"] == []
    assert_problem(admin.get(GRID + "jobs/?kind=other"), 422, "filter-value-invalid")
    assert_problem(admin.get(GRID + "jobs/?kind=bulk&format=csv"), 422, "query-invalid")
    other = client_of(make_user("bob", "gridkit_django.open_grid"))
    assert_problem(other.get(job["url"]), 404, "export-not-found")
    assert_problem(other.delete(job["url"]), 404, "export-not-found")
    run_bulk(job["id"])
    done = admin.get(job["url"]).json()
    assert (done["state"], done["progress"], done["rows"], done["result"]["changed"]) == ("finished", 1, 2, 2)
    assert admin.delete(job["url"]).json() == done


@override_settings(GRIDKIT={"BULK_ROWS_INLINE": 0})
def test_job_of_a_bulk_change_is_stopped(admin: APIClient) -> None:
    create(admin)
    job = bulk(admin, 1, changes={"stock": 9}).json()["job"]
    stopped = admin.delete(job["url"])
    assert (stopped.status_code, stopped.json()["state"]) == (200, "cancelled")
    run_bulk(job["id"])
    assert Product.objects.get().stock == 0
