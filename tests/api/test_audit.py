"""The audit trail over HTTP: who reads it, how it is filtered and paged, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor
from gridkit_django.models import AuditRecord
from gridkit_django.plugins import plugin_manager
from tests.api.conftest import client_of
from tests.api.test_base import assert_problem
from tests.shop.models import Customer, Product

AUDIT = "/gridkit/api/audit/"


@pytest.fixture
def auditor(make_user: Callable[..., User]) -> APIClient:
    """May read the audit trail and open grids, but not see prices."""
    rights = ("gridkit_django.view_auditrecord", "gridkit_django.open_grid")
    return client_of(make_user("auditor", *rights, last_name="DK"))


def write(target: Target, action: str = "row.update", grid: str = "", **options: Any) -> AuditRecord:
    return record(action, target=target, grid=grid, **options)


def product(pk: Any) -> Target:
    return Target.of_row(Product, pk, f"Thing {pk}")


def listed(client: APIClient, question: str = "") -> list[dict[str, Any]]:
    response = client.get(AUDIT + question)
    assert response.status_code == 200, response.content
    entries: list[dict[str, Any]] = response.json()["results"]
    return entries


def test_reader_without_the_right_is_refused(reader: APIClient) -> None:
    document = assert_problem(reader.get(AUDIT), 403, "access-denied")
    assert "gridkit_django.view_auditrecord" in document["detail"]


def test_record_is_shown_with_actor_target_and_circumstances(auditor: APIClient) -> None:
    written = write(Target.plugin("@t/p"), "plugin.grant", changes={"x": [None, 1]}, actor=Actor.plugin("@t/q"))
    assert listed(auditor) == [
        {
            "id": str(written.uuid),
            "action": "plugin.grant",
            "actor": {"kind": "plugin", "id": "@t/q", "label": "@t/q"},
            "target": {"type": "plugin", "id": "@t/p", "label": "@t/p"},
            "grid": "",
            "changes": {"x": [None, 1]},
            "context": written.context,
            "occurredAt": written.occurred_at.isoformat().replace("+00:00", "Z"),
            "act": str(written.operation_id),
        }
    ]


@pytest.mark.both_databases
def test_filters_narrow_the_trail(auditor: APIClient) -> None:
    write(Target.plugin("@t/p"), "plugin.grant", actor=Actor.system("runtime"))
    write(product(1), grid="api-products")
    for question, count in {
        "actor=runtime": 1,
        "actor=nobody": 0,
        "action=row.update": 1,
        "target_type=plugin": 1,
        "target_type=shop.product&target_id=1": 1,
        "grid=api-products": 1,
    }.items():
        assert len(listed(auditor, f"?{question}")) == count, question


def test_times_narrow_the_trail(auditor: APIClient) -> None:
    written = write(Target.plugin("@t/p"))
    now, later = (quote(moment.isoformat()) for moment in (written.occurred_at, timezone.now() + timedelta(hours=1)))
    assert len(listed(auditor, f"?target_type=plugin&from={now}")) == 1
    assert len(listed(auditor, f"?target_type=plugin&to={later}")) == 1
    assert listed(auditor, f"?target_type=plugin&from={later}") == []
    assert listed(auditor, f"?target_type=plugin&to={now}") == []


@pytest.mark.parametrize("question", ["from=yesterday", "to=x"])
def test_time_that_is_none_is_refused(auditor: APIClient, question: str) -> None:
    document = assert_problem(auditor.get(f"{AUDIT}?{question}"), 422, "filter-value-invalid")
    assert document["errors"][0]["pointer"] == "?" + question.partition("=")[0]


@pytest.mark.both_databases
def test_pages_are_not_shifted_by_records_that_come_meanwhile(auditor: APIClient) -> None:
    for number in range(5):
        write(Target("thing", str(number)))
    first = auditor.get(AUDIT + "?size=2&target_type=thing").json()
    write(Target("thing", "new"))
    second = auditor.get(first["next"]).json()
    third = auditor.get(second["next"]).json()
    ids = [entry["target"]["id"] for page in (first, second, third) for entry in page["results"]]
    assert ids == ["4", "3", "2", "1", "0"]
    assert third["next"] is None
    assert [entry["target"]["id"] for entry in auditor.get(second["previous"]).json()["results"]] == ["4", "3"]


def test_wrong_cursor_is_refused(auditor: APIClient) -> None:
    assert_problem(auditor.get(AUDIT + "?cursor=x"), 422, "cursor-invalid")


def test_changes_of_hidden_columns_are_left_out(auditor: APIClient, editor: APIClient) -> None:
    changes = {"name": ["a", "b"], "price": ["1.00", "2.00"]}
    write(product(1), grid="api-products", changes=changes, evidence={"price": "2.00"})
    (entry,) = listed(auditor)
    assert entry["changes"] == {"name": ["a", "b"]}
    assert "evidence" not in entry["context"]
    assert "price" not in str(entry)


def test_label_that_comes_from_a_hidden_column_is_left_out(auditor: APIClient) -> None:
    for grid in ("api-products", ""):
        write(product(1), grid=grid, changes={"name": ["a", "b"]})
    rows = "?action=row.update"
    assert [entry["target"]["label"] for entry in listed(auditor, rows)] == ["Thing 1", "Thing 1"]
    with mock.patch("gridkit_django.grids.disclosure.label_names", return_value=frozenset({"price"})):
        assert [entry["target"]["label"] for entry in listed(auditor, rows)] == ["", ""]


def test_reader_of_every_column_gets_changes_and_evidence(make_user: Callable[..., User]) -> None:
    rights = ("gridkit_django.view_auditrecord", "gridkit_django.open_grid", "shop.view_price")
    client = client_of(make_user("chief", *rights))
    write(product(1), grid="api-products", changes={"price": ["1", "2"]}, evidence={"why": "sale"})
    (entry,) = listed(client)
    assert (entry["changes"], entry["context"]["evidence"]) == ({"price": ["1", "2"]}, {"why": "sale"})


@pytest.mark.parametrize("grid", ["api-products", "no-such-grid"])
def test_record_of_a_grid_that_the_reader_may_not_open_keeps_its_contents(
    make_user: Callable[..., User], grid: str
) -> None:
    client = client_of(make_user("narrow", "gridkit_django.view_auditrecord"))
    write(product(1), grid=grid, changes={"name": ["a", "b"]}, evidence={"name": "b"})
    (entry,) = listed(client)
    assert (entry["changes"], entry["target"]["label"], "evidence" in entry["context"]) == ({}, "", False)


def test_record_of_a_row_out_of_sight_keeps_its_contents(auditor: APIClient) -> None:
    near = Customer.objects.create(name="Near", email="a@x.org", country="DK")
    far = Customer.objects.create(name="Far", email="b@x.org", country="SE")
    for key in (near.pk, far.pk, "not-a-number"):
        write(Target.of_row(Customer, key, f"Customer {key}"), grid="api-customers", changes={"name": ["x", "y"]})
    gone, hidden, shown = listed(auditor)
    assert (shown["changes"], shown["target"]["label"]) == ({"name": ["x", "y"]}, f"Customer {near.pk}")
    for entry in (hidden, gone):
        assert (entry["changes"], entry["target"]["label"]) == ({}, "")


def test_act_on_a_grid_that_is_no_row_keeps_its_facts_but_hidden_columns(auditor: APIClient) -> None:
    write(Target.export("1", "csv"), "export.request", grid="api-products", changes={"state": [1, 2], "price": [1, 2]})
    (entry,) = listed(auditor)
    assert (entry["changes"], entry["target"]["label"]) == ({"state": [1, 2]}, "csv")


def test_row_changed_without_a_grid_loses_what_a_grid_hides(auditor: APIClient) -> None:
    write(product(1), changes={"name": ["a", "b"], "price": [1, 2]})
    assert listed(auditor)[0]["changes"] == {"name": ["a", "b"]}


def test_page_costs_the_same_number_of_queries_however_many_records(
    auditor: APIClient, idle_thread: None, pass_time: Callable[[float], None], django_assert_max_num_queries: Any
) -> None:
    customer = Customer.objects.create(name="Near", email="a@x.org", country="DK")
    for number in range(20):
        write(Target.of_row(Customer, customer.pk), grid="api-customers", changes={"name": [number, 0]})
    plugin_manager().follow()  # another test's request may have left it so
    counts = []
    for seconds in (0.0, 0.0, 20.0, 100_000.0):
        pass_time(seconds)
        with django_assert_max_num_queries(12) as captured:
            assert len(listed(auditor, "?action=row.update")) == 20
        counts.append(len(captured))
    assert len(set(counts[1:])) == 1, f"the first one reads what a process reads once: {counts}"


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("moment", "status"),
    [("2024-08-20T05:37:09+21:54", 200), ("0001-01-01T00:00:00+12:00", 422), ("9999-12-31T23:59:59-12:00", 422)],
)
def test_moment_with_a_far_offset_is_understood_and_one_outside_of_the_calendar_refused(
    moment: str, status: int
) -> None:
    client = client_of(User.objects.create_superuser("far"))
    for name in ("from", "to"):
        assert client.get("/gridkit/api/audit/", {name: moment}).status_code == status
