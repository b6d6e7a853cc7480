"""Reading the trail: pages both ways, filters behind the gate, acts, histories, states, exports, taking back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from gridkit_django.audit import Target, record, verifier
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.audit.signing import public_text
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.models import AuditRecord
from tests.api.conftest import client_of
from tests.api.test_base import assert_problem
from tests.audit.chains import key, sealer
from tests.shop.models import Customer, Product

AUDIT = "/gridkit/api/audit/"
RIGHTS = ("gridkit_django.view_auditrecord", "gridkit_django.open_grid", "shop.view_product", "shop.view_customer")


@pytest.fixture
def auditor(make_user: Callable[..., User]) -> APIClient:
    """May read the trail and open grids, but not see prices."""
    return client_of(make_user("auditor", *RIGHTS, last_name="DK"))


def write(number: int, action: str = "row.update", **options: Any) -> AuditRecord:
    options.setdefault("target", Target.of_row(Product, number, f"Thing {number}"))
    return record(action, **options)


def page(client: APIClient, address: str) -> dict[str, Any]:
    response = client.get(address)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [entry["target"]["id"] for entry in body["results"]]


@pytest.mark.both_databases
def test_pages_lead_to_older_and_back_to_newer_ones(auditor: APIClient) -> None:
    for number in range(7):
        write(number, target=Target("thing", str(number)))
    first = page(auditor, f"{AUDIT}?size=3&target_type=thing")
    second = page(auditor, first["next"])
    third = page(auditor, second["next"])
    back = page(auditor, third["previous"])
    start = page(auditor, back["previous"])
    assert [ids(body) for body in (first, second, third, back, start)] == [
        ["6", "5", "4"],
        ["3", "2", "1"],
        ["0"],
        ["3", "2", "1"],
        ["6", "5", "4"],
    ]
    assert (first["previous"], third["next"], start["previous"]) == (None, None, None)


def test_cursor_is_signed_and_for_one_question_only(auditor: APIClient) -> None:
    for number in range(3):
        write(number, target=Target("thing", str(number)))
    cursor = page(auditor, f"{AUDIT}?size=1&target_type=thing")["next"].partition("cursor=")[2].partition("&")[0]
    assert_problem(auditor.get(f"{AUDIT}?size=1&target_type=other&cursor={cursor}"), 422, "cursor-invalid")
    assert_problem(auditor.get(f"{AUDIT}?size=1&target_type=thing&cursor=x{cursor}"), 422, "cursor-invalid")


@pytest.mark.both_databases
def test_filters_by_circumstances_and_beginnings_narrow_the_trail(auditor: APIClient) -> None:
    with acting(Actor.plugin("p"), EventSource.PLUGIN, correlation_id="c-1") as act:
        write(1, "row.create", changes={"name": [None, "x"]})
    write(2, changes={"stock": [1, 2]}, grid="api-products")
    for question, expected in {
        "source=plugin": ["1"],
        "correlation=c-1": ["1"],
        f"operation={act.id}": ["1"],
        "action=row.*": ["2", "1"],
        "actor_kind=plugin": ["1"],
        "target_type=shop.product&field=stock": ["2"],
        "target_type=shop.product&field=nothing": [],
        "grid=-&action=row.*": ["1"],
        "grid=api-products": ["2"],
    }.items():
        assert ids(page(auditor, f"{AUDIT}?{question}")) == expected, question


@pytest.mark.parametrize(
    ("question", "pointer", "code"),
    [
        ("target_id=1", "?target_id", "audit-search-invalid"),
        ("field=name", "?field", "audit-search-invalid"),
        ("operation=x", "?operation", "filter-value-invalid"),
        ("source=nowhere", "?source", "filter-value-invalid"),
        ("size=0", "?size", "filter-value-invalid"),
    ],
)
def test_question_without_sense_is_refused(auditor: APIClient, question: str, pointer: str, code: str) -> None:
    document = assert_problem(auditor.get(f"{AUDIT}?{question}"), 422, code)
    assert document["errors"][0]["pointer"] == pointer


def test_field_that_the_reader_may_not_see_finds_nothing(
    auditor: APIClient, make_user: Callable[..., User], products: list[Product]
) -> None:
    for grid in ("", "api-products"):
        write(products[0].pk, changes={"price": ["1.00", "2.00"], "name": ["a", "b"]}, grid=grid)
    boss = client_of(make_user("boss", *RIGHTS, "shop.view_price"))
    question = f"{AUDIT}?target_type=shop.product&field="
    assert len(page(boss, question + "price")["results"]) == 2
    assert page(auditor, question + "price") == page(auditor, question + "no_such_field")
    assert {tuple(entry["changes"]) for entry in page(auditor, question + "name")["results"]} == {("name",)}


def test_field_of_rows_that_are_closed_finds_nothing(auditor: APIClient, db: None) -> None:
    danish, swedish = (Customer.objects.create(name=code, email=f"{code}@x.org", country=code) for code in ("DK", "SE"))
    for row in (danish, swedish):
        target = Target.of_row(Customer, row.pk, row.name)
        record("row.update", target=target, changes={"name": ["x", "y"]}, grid="api-customers")
    assert ids(page(auditor, f"{AUDIT}?grid=api-customers&field=name&size=1")) == [str(danish.pk)]
    assert len(page(auditor, f"{AUDIT}?grid=api-customers")["results"]) == 2


def test_rows_that_grids_close_are_closed_in_records_without_a_grid_too(
    auditor: APIClient, make_user: Callable[..., User]
) -> None:
    danish, swedish = (Customer.objects.create(name=code, email=f"{code}@x.org", country=code) for code in ("DK", "SE"))
    for row in (danish, swedish):
        record("row.update", target=Target.of_row(Customer, row.pk, row.name), changes={"name": ["x", "y"]})
    reader = client_of(make_user("dane", "gridkit_django.view_auditrecord", "gridkit_django.open_grid", last_name="DK"))
    question = f"{AUDIT}?target_type=shop.customer&action=row.update"
    seen = {entry["target"]["id"]: entry for entry in page(reader, question)["results"]}
    assert seen[str(danish.pk)]["changes"] == {"name": ["x", "y"]}
    assert (seen[str(swedish.pk)]["changes"], seen[str(swedish.pk)]["target"]["label"]) == ({}, "")
    assert ids(page(reader, f"{question}&field=name")) == [str(danish.pk)]
    assert all(entry["changes"] for entry in page(auditor, question)["results"])


def test_record_act_and_history_have_addresses_of_their_own(auditor: APIClient) -> None:
    with acting(Actor.system("x"), EventSource.SYSTEM, reason="because") as act:
        one, _two = write(1), write(2)
    write(1)
    entry = page(auditor, f"{AUDIT}{one.uuid}/")
    assert (entry["id"], entry["act"], entry["context"]["reason"]) == (str(one.uuid), str(act.id), "because")
    assert ids(page(auditor, f"{AUDIT}acts/{act.id}/")) == ["2", "1"]
    assert ids(page(auditor, f"{AUDIT}objects/shop.product/1/history/")) == ["1", "1"]
    assert_problem(auditor.get(f"{AUDIT}{act.id}/"), 404, "audit-record-not-found")


@pytest.mark.parametrize("address", ["", "export/", "objects/shop.product/1/history/", "objects/shop.product/1/state/"])
def test_reader_without_the_right_is_refused_everywhere(reader: APIClient, address: str) -> None:
    assert_problem(reader.get(AUDIT + address), 403, "access-denied")


def test_reading_is_recorded_once_a_page_with_what_was_read(auditor: APIClient, settings: Any) -> None:
    written = [write(number) for number in (1, 2)]
    page(auditor, f"{AUDIT}?target_type=shop.product")
    found = AuditRecord.objects.get(action="audit.read")
    assert found.actor_label == "auditor"
    assert found.evidence == {
        "search": {"target_type": "shop.product"},
        "records": [str(item.uuid) for item in reversed(written)],
    }
    settings.GRIDKIT = {"AUDIT_READS": False}
    page(auditor, AUDIT)
    assert AuditRecord.objects.filter(action="audit.read").count() == 1


def test_row_is_told_as_it_was(auditor: APIClient, products: list[Product]) -> None:
    row = products[0]
    changed = write(row.pk, changes={"name": ["old", row.name], "price": ["9.00", "1.50"]}, grid="api-products")
    address = f"{AUDIT}objects/shop.product/{row.pk}/state/"
    now = page(auditor, address)
    assert (now["exists"], now["values"]["name"], now["record"]) == (True, "Thing 1", str(changed.uuid))
    assert "price" not in now["values"]
    before = page(auditor, f"{address}?at=2020-01-01T00:00:00Z")
    assert (before["exists"], before["certain"]) == (None, False)
    assert_problem(auditor.get(f"{address}?at=soon"), 422, "filter-value-invalid")
    assert_problem(auditor.get(f"{AUDIT}objects/no.model/1/state/"), 404, "audit-record-not-found")


def test_row_of_today_is_no_more_open_in_the_trail_than_elsewhere(make_user: Callable[..., User]) -> None:
    row = Customer.objects.create(name="Ada", email="private@x.org", country="SE")
    record("row.update", target=Target.of_row(Customer, row.pk), changes={"vip": [True, False]})
    address = f"{AUDIT}objects/shop.customer/{row.pk}/state/"
    rights = ("gridkit_django.view_auditrecord", "gridkit_django.open_grid")
    stranger, neighbour, clerk = (
        client_of(make_user("stranger", *rights, last_name="DK")),
        client_of(make_user("neighbour", *rights, last_name="SE")),
        client_of(make_user("clerk", *rights, "shop.view_customer")),
    )
    assert page(stranger, address)["values"] == {}
    assert page(neighbour, address)["values"] == {"vip": False, "name": "Ada", "country": "SE"}
    assert page(clerk, address)["values"]["email"] == "private@x.org"


def lines(response: Any) -> list[Any]:
    return [json.loads(line) for line in b"".join(response.streaming_content).decode().splitlines()]


@pytest.mark.both_databases
@pytest.mark.parametrize("address", ["history/", "state/"])
@pytest.mark.parametrize("named", ["shop.product/%00", "a/b", "a.b.c/1", "shop.product/x", f"shop.product/{'9' * 40}"])
def test_object_with_an_odd_name_is_no_fault_of_the_site(auditor: APIClient, named: str, address: str) -> None:
    assert auditor.get(f"{AUDIT}objects/{named}/{address}").status_code in {200, 404, 422}


def test_export_has_a_line_a_record_and_is_recorded(auditor: APIClient) -> None:
    written = [write(number, changes={"name": ["a", "b"]}) for number in (1, 2)]
    response = auditor.get(f"{AUDIT}export/?format=ndjson&target_type=shop.product")
    head, *found = lines(response)
    assert (head["form"], head["search"]) == ("gridkit-audit-export", {"target_type": "shop.product"})
    assert [item["id"] for item in found] == [str(item.uuid) for item in reversed(written)]
    begun, ended = (AuditRecord.objects.get(action=action) for action in ("audit.export", "audit.exported"))
    assert begun.actor_label == ended.actor_label == "auditor"
    assert ended.evidence == {
        "search": {"target_type": "shop.product"},
        "format": "ndjson",
        "rows": 2,
        "complete": True,
    }


def test_export_that_is_broken_off_says_so(auditor: APIClient) -> None:
    write(1)
    response = auditor.get(f"{AUDIT}export/")
    next(iter(response.streaming_content))
    response.close()
    found = AuditRecord.objects.get(action="audit.exported")
    assert found.evidence is not None
    assert found.evidence["complete"] is False
    assert found.actor_label == "auditor"


def test_csv_export_has_a_line_a_field_and_no_formula(auditor: APIClient) -> None:
    write(1, changes={"name": ["=1+1", {"a": 1}], "sku": [" \uff1d1", "\n=1"], "stock": [None, -5]})
    response = auditor.get(f"{AUDIT}export/?format=csv&target_type=shop.product")
    text = b"".join(response.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["field"], row["before"], row["after"]) for row in rows] == [
        ("name", "'=1+1", '{"a": 1}'),
        ("sku", "' \uff1d1", "'\n=1"),
        ("stock", "", "'-5"),
    ]
    assert_problem(auditor.get(f"{AUDIT}export/?format=xls"), 422, "audit-search-invalid")


@pytest.mark.both_databases
def test_export_as_evidence_proves_itself_and_tells_closed_records_by_digest(
    auditor: APIClient, products: list[Product], tmp_path: Path
) -> None:
    whole = write(products[0].pk, changes={"name": ["a", "b"]}, grid="api-products")
    reduced = write(products[1].pk, changes={"price": ["7.77", "8.88"]}, grid="api-products")
    signer = key()
    sealer(signer).run()
    response = auditor.get(f"{AUDIT}export/?format=evidence&target_type=shop.product")
    text = b"".join(response.streaming_content).decode()
    assert str(whole.uuid) in text
    assert str(reduced.uuid) not in text
    assert "7.77" not in text
    file = tmp_path / "audit.ndjson"
    file.write_text(text)
    assert verifier.main([str(file), "--key", public_text(signer.public_key)]) == 0
    assert AuditRecord.objects.get(action="audit.exported").context["evidence"]["rows"] == 1


def test_encrypted_values_are_revealed_with_the_right_only(auditor: APIClient, make_user: Callable[..., User]) -> None:
    audit_policies().set("tests", [AuditPolicy(model_label="shop.product", encrypt=frozenset({"name", "price"}))])
    try:
        Product.objects.create(sku="S1", name="private", price=1)
    finally:
        audit_policies().drop("tests")
        subject_keys().forget()
    found = AuditRecord.objects.get(action="row.create")
    address = f"{AUDIT}{found.uuid}/reveal/"
    assert_problem(auditor.post(address), 403, "access-denied")
    opener = client_of(make_user("opener", *RIGHTS, "gridkit_django.decrypt_audit"))
    entry = opener.post(address).json()
    assert entry["changes"]["name"] == [None, "private"]
    assert "price" not in entry["changes"]
    assert AuditRecord.objects.filter(action="audit.decrypt", actor_label="opener").count() == 1


@pytest.fixture
def fixer(make_user: Callable[..., User]) -> APIClient:
    """May read the trail and edit all of a product."""
    rights = (*RIGHTS, "gridkit_django.edit_grid", "shop.view_price")
    return client_of(make_user("fixer", *rights))


def test_change_is_taken_back_as_an_edit(fixer: APIClient, products: list[Product]) -> None:
    row = products[0]
    changed = write(row.pk, changes={"name": ["old", row.name], "price": ["9.00", "1.50"]}, grid="api-products")
    response = fixer.post(f"{AUDIT}{changed.uuid}/revert/", {"reason": "a slip"}, format="json")
    assert response.status_code == 200, response.content
    row.refresh_from_db()
    assert (row.name, str(row.price)) == ("old", "9.00")
    assert sorted(response.json()["changed"]) == ["name", "price"]


def test_change_that_was_changed_again_is_left_alone(fixer: APIClient, products: list[Product]) -> None:
    changed = write(products[0].pk, changes={"name": ["old", "other"]})
    document = assert_problem(
        fixer.post(f"{AUDIT}{changed.uuid}/revert/", {}, format="json"), 409, "audit-not-revertible"
    )
    assert document["fields"] == ["name"]


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("row.create", {"name": [None, "x"]}),
        ("row.update", {}),
        ("row.update", {"name": ["***", "***"]}),
        ("row.update", {"sku": ["a", "S1"]}),
    ],
    ids=["no-update", "no-change", "masked", "not-editable"],
)
def test_what_has_no_way_back_is_refused(
    fixer: APIClient, products: list[Product], action: str, changes: dict[str, Any]
) -> None:
    changed = write(products[0].pk, action, changes=changes)
    assert_problem(fixer.post(f"{AUDIT}{changed.uuid}/revert/", {}, format="json"), 409, "audit-not-revertible")


def test_change_of_a_model_that_is_gone_has_no_way_back(fixer: APIClient) -> None:
    changed = record("row.update", target=Target("gone.thing", "1"), changes={"name": ["a", "b"]})
    assert fixer.get(f"{AUDIT}{changed.uuid}/").status_code == 200
    assert_problem(fixer.post(f"{AUDIT}{changed.uuid}/revert/", {}, format="json"), 409, "audit-not-revertible")


def test_who_may_not_edit_or_see_all_of_it_takes_nothing_back(
    auditor: APIClient, make_user: Callable[..., User], products: list[Product]
) -> None:
    changes = {"name": ["old", "Thing 1"], "price": ["9.00", "1.50"]}
    changed = write(products[0].pk, changes=changes, grid="api-products")
    blind = client_of(make_user("blind", *RIGHTS, "gridkit_django.edit_grid"))
    for client in (auditor, blind):
        assert_problem(client.post(f"{AUDIT}{changed.uuid}/revert/", {}, format="json"), 409, "audit-not-revertible")
    products[0].refresh_from_db()
    assert products[0].name == "Thing 1"
