"""What the trail holds of a person: which records, for whom values are opened, files, the command."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.privacy import Subject, erase_subject
from gridkit_django.audit.privacy import mentions as mentions_module
from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AccessDeniedError, AuditSearchError
from gridkit_django.grids import Grid, IntegerColumn, TextColumn, grid_registry
from gridkit_django.grids.subject_report import SubjectReport
from gridkit_django.models import AuditRecord
from tests.shop.models import Customer, Order, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def ada() -> Iterator[Customer]:
    """A customer whose email is encrypted, and one of whose orders has an encrypted note for her."""
    policies = [
        AuditPolicy(model_label="shop.customer", encrypt=frozenset({"email"})),
        AuditPolicy(model_label="shop.order", encrypt=frozenset({"state"}), subject="customer"),
    ]
    audit_policies().set("tests", policies)
    customer = Customer.objects.create(name="Ada", email="ada@x.org")
    Customer.objects.create(name="Bob", email="bob@x.org")
    product = Product.objects.create(sku="S1", name="Lamp", price=Decimal(1))
    Order.objects.create(customer=customer, product=product, state="new", placed=timezone.now())
    yield customer
    audit_policies().drop("tests")
    subject_keys().forget()


@pytest.fixture
def reader() -> User:
    user = User.objects.create_user("reader")
    rights = ("view_auditrecord", "view_customer", "view_order")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return User.objects.get(pk=user.pk)


def opener() -> User:
    return User.objects.create_superuser("opener")


def subject(customer: Customer) -> Subject:
    return Subject("shop.customer", str(customer.pk))


def told(report: SubjectReport) -> list[tuple[str, str]]:
    return [(item.record.action, item.record.target_type) for item in report.page(50).records]


def test_report_holds_the_row_and_what_other_rows_say_of_it(ada: Customer, reader: User) -> None:
    record("row.view", target=Target.of_row(Customer, ada.pk))
    report = SubjectReport(reader, subject(ada))
    assert told(report) == [("row.create", "shop.order"), ("row.create", "shop.customer")]
    looks = SubjectReport(reader, subject(ada), looks=True)
    assert told(looks)[:2] == [("audit.read", "shop.customer"), ("row.view", "shop.customer")]


def test_values_are_opened_for_those_with_the_right_only(ada: Customer, reader: User) -> None:
    closed = SubjectReport(reader, subject(ada)).page(50).records
    assert all("$enc" in str(dict(item.changes)) for item in closed)
    with pytest.raises(AccessDeniedError):
        SubjectReport(reader, subject(ada), clear=True)
    opened = SubjectReport(opener(), subject(ada), clear=True).page(50).records
    assert opened[0].changes["state"] == [None, "new"]
    assert opened[1].changes["email"] == [None, "ada@x.org"]
    assert AuditRecord.objects.filter(action="audit.decrypt").count() == 2


def test_report_after_an_erasure_says_so_value_by_value(ada: Customer) -> None:
    erase_subject(subject(ada))
    opened = SubjectReport(opener(), subject(ada), clear=True).page(50).records
    assert opened[1].changes["email"] == [None, "(erased)"]


def test_value_that_was_changed_stays_closed_and_the_others_are_opened(
    ada: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = SubjectReport(opener(), subject(ada), clear=True)
    as_seen = report._reader.as_seen

    def damaged(found: Any) -> Any:
        for row in found:
            if row.target_type == "shop.order" and "state" in row.changes:
                row.changes["state"][1]["$enc"] += "AAAA"
        return as_seen(found)

    monkeypatch.setattr(report._reader, "as_seen", damaged)
    order, customer = report.page(50).records
    assert "$enc" in order.changes["state"][1]
    assert customer.changes["email"] == [None, "ada@x.org"]


def test_what_a_user_did_is_in_the_report_on_demand(reader: User) -> None:
    with acting(Actor.from_user(reader), EventSource.ORM):
        record("row.update", target=Target("shop.thing", "1"))
    about = Subject("auth.user", str(reader.pk))
    boss = opener()
    assert [item for item in told(SubjectReport(boss, about)) if item[1] == "shop.thing"] == []
    assert ("row.update", "shop.thing") in told(SubjectReport(boss, about, acts=True))


def test_pages_of_a_report_go_on_where_the_last_one_ended(
    ada: Customer, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mentions_module, "STRETCH", 2)
    for number in range(5):
        ada.name = f"Ada {number}"
        ada.save()
    report = SubjectReport(reader, subject(ada))
    whole = [item.record.pk for item in report.page(50).records]
    first = report.page(3)
    second = report.page(50, before=first.older)
    assert [item.record.pk for item in (*first.records, *second.records)] == whole
    assert (len(whole), second.older) == (7, None)
    short = report.page(50, seconds=0.0)
    assert not short.is_complete
    assert short.older is not None
    assert [item.record.pk for batch in report.everything() for item in batch] == whole


def test_nobody_is_in_an_empty_trail(reader: User) -> None:
    page = SubjectReport(reader, Subject("shop.customer", "1")).page(5)
    assert (page.records, page.older, page.is_complete) == ((), None, True)


def test_file_of_a_report_is_recorded_when_it_begins_and_ends(ada: Customer, reader: User) -> None:
    lines = [json.loads(line) for line in SubjectReport(reader, subject(ada)).export("ndjson")]
    assert lines[0]["subject"] == ["shop.customer", str(ada.pk)]
    assert [line["target"]["type"] for line in lines[1:]] == ["shop.order", "shop.customer"]
    began, ended = AuditRecord.objects.filter(action__startswith="audit.export").order_by("pk")
    assert (began.action, ended.action) == ("audit.export", "audit.exported")
    assert (began.target_id, ended.evidence["rows"], ended.evidence["complete"]) == (str(ada.pk), 2, True)
    with pytest.raises(AuditSearchError):
        SubjectReport(reader, subject(ada)).export("pdf")


def test_command_writes_the_report_as_a_user_of_the_site(ada: Customer, tmp_path: Path, capsys: Any) -> None:
    opener()
    path = tmp_path / "ada.csv"
    words = ["gridkit_audit_subject", "shop.Customer", str(ada.pk), "--user", "opener"]
    call_command(*words, "--format", "csv", "--clear", "--output", str(path), "--reason", "letter 9")
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert {row["after"] for row in rows if row["field"] in ("email", "state")} == {"ada@x.org", "new"}
    told = AuditRecord.objects.get(action="audit.exported")
    assert (told.actor_label, told.operation.reason) == ("opener", "letter 9")
    call_command(*words)
    assert len(capsys.readouterr().out.splitlines()) == 3
    with pytest.raises(CommandError, match="exists"):
        call_command(*words, "--output", str(path))
    with pytest.raises(CommandError, match="no user"):
        call_command(*words[:-1], "nobody")
    with pytest.raises(CommandError, match="no model"):
        call_command("gridkit_audit_subject", "shop.Nothing", "1", "--user", "opener")


class OrdersOfWhom(Grid):
    """Orders that hide from most whose they are."""

    customer = IntegerColumn(permission=lambda user: user.is_superuser)

    class Meta:
        model = Order
        id = "orders-of-whom"
        columns = ["customer", "state"]


class OrdersWithoutState(Grid):
    """Orders that hide the encrypted value from most."""

    state = TextColumn(permission=lambda user: user.is_superuser)

    class Meta:
        model = Order
        id = "orders-without-state"
        columns = ["id", "state"]


@pytest.mark.parametrize("grid", [OrdersOfWhom, OrdersWithoutState])
def test_row_whose_person_is_hidden_from_the_reader_is_not_in_the_report(
    ada: Customer, reader: User, grid: type[Grid]
) -> None:
    grid_registry().register(grid)
    try:
        hidden = SubjectReport(reader, subject(ada)).page(50).records
        shown = SubjectReport(opener(), subject(ada)).page(50).records
    finally:
        grid_registry().unregister(grid.options.id)
    assert [item.record.target_type for item in hidden] == ["shop.customer"]
    assert [item.record.target_type for item in shown] == ["shop.order", "shop.customer"]
