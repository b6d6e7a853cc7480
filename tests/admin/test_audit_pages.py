"""The pages of the audit trail: filters, pages, the difference, acts, rows as they were, exports, taking back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from gridkit_django.admin import audit_verification
from gridkit_django.audit import Target, record
from gridkit_django.audit.delivery import declare_destination
from gridkit_django.audit.health import TrailHealth
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.audit.sealing import seal_all
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.grids import Grid, TextColumn, grid_registry
from gridkit_django.models import AuditRecord, AuditVerification, VerificationState
from gridkit_django.tasks.audit import verify_audit
from tests.audit.chains import run_sql
from tests.shop.models import Customer, Product

pytestmark = pytest.mark.django_db

TRAIL = "/admin/gridkit_django/auditrecord/"


class TrailGrid(Grid):
    """Products whose names may be edited."""

    name = TextColumn(editable=True)

    class Meta:
        model = Product
        id = "trail-products"
        columns = ["sku", "name"]


@pytest.fixture
def grid() -> Iterator[None]:
    grid_registry().register(TrailGrid)
    yield
    grid_registry().unregister("trail-products")


def page(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(TRAIL + address)
    assert answer.status_code == status
    return answer.content.decode()


def rows(text: str) -> list[str]:
    return re.findall(r"shop\.product (\d+)</span>", text)


def write(number: int, **options: Any) -> AuditRecord:
    return record("row.update", target=Target("shop.product", str(number)), **options)


def test_times_are_shown_with_their_zone_and_to_the_microsecond(admin: Client) -> None:
    moments = ["2026-05-17T12:00:00.100000+00:00", "2026-05-17T12:00:00.200000+00:00"]
    found = record("row.update", target=Target("shop.order", "1"), changes={"placed": moments})
    with timezone.override("Asia/Tokyo"):
        assert "Newest first; times are in Asia/Tokyo" in page(admin, "")
        text = page(admin, f"{found.pk}/change/")
    assert "2026-05-17 21:00:00.100000+09:00" in text
    assert "2026-05-17 21:00:00.200000+09:00" in text
    assert re.search(r"\d\d\.\d{6} \+0900</time><br><span class=\"gridkit-quiet\">[^<]+ UTC<", text)


def test_actor_is_found_by_name_as_by_id(admin: Client, admin_user: User) -> None:
    with acting(Actor.from_user(admin_user), EventSource.API):
        write(1)
    write(2)
    assert rows(page(admin, f"?actor={admin_user.get_username()}")) == ["1"]
    assert rows(page(admin, f"?actor={admin_user.pk}")) == ["1"]


def test_filter_that_there_is_not_is_refused_and_not_left_out(admin: Client) -> None:
    write(1)
    text = page(admin, "?target_type=shop.product&form=2026-01-01")
    assert "There is no filter form." in text
    assert rows(text) == []


def test_address_of_a_question_holds_the_filters_that_were_given_only(admin: Client) -> None:
    answer = admin.get(f"{TRAIL}?actor=&action=row.*&span=&field=")
    assert (answer.status_code, answer["Location"]) == (302, f"{TRAIL}?action=row.%2A")


def test_record_tells_whether_it_is_as_it_was_sealed(admin: Client) -> None:
    found = write(1, changes={"name": ["a", "b"]})
    assert "not sealed yet" in page(admin, f"{found.pk}/change/")
    seal_all()
    text = page(admin, f"{found.pk}/change/")
    assert "as it was sealed" in text
    assert "seal 1 of" in text
    run_sql("UPDATE gridkit_django_auditrecord SET target_label = 'other' WHERE id = %s", found.pk)
    text = page(admin, f"{found.pk}/change/")
    assert "something is wrong" in text
    assert "the record is not what was sealed" in text


def test_pages_begin_at_a_key_and_lead_both_ways(admin: Client) -> None:
    for number in range(120):
        write(number)
    first = page(admin, "?target_type=shop.product")
    assert rows(first) == [str(number) for number in range(119, 69, -1)]
    older = re.search(r'href="\?([^"]*before=\d+)" rel="next"', first)
    assert older is not None
    second = page(admin, "?" + older[1].replace("&amp;", "&"))
    assert rows(second) == [str(number) for number in range(69, 19, -1)]
    newer = re.search(r'href="\?([^"]*after=\d+)" rel="prev"', second)
    assert newer is not None
    assert rows(page(admin, "?" + newer[1].replace("&amp;", "&"))) == rows(first)
    assert 'rel="next"' not in page(admin, "?target_type=shop.product&before=21")


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("action=row.update", ["2", "1"]),
        ("action=row.*", ["2", "1"]),
        ("target_type=Shop.Product&target_id=2", ["2"]),
        ("target_type=shop.product&field=name", ["1"]),
        ("grid=-", ["1"]),
        ("grid=trail-products", ["2"]),
        ("source=plugin", ["1"]),
        ("actor=p", ["1"]),
        ("correlation=c-1", ["1"]),
        ("span=1h", ["2", "1"]),
        ("span=1h&since=2020-01-01T00:00", ["2", "1"]),
        ("until=2020-01-01T00:00", []),
    ],
)
def test_filters_narrow_the_list(admin: Client, grid: None, question: str, found: list[str]) -> None:
    with acting(Actor.plugin("p"), EventSource.PLUGIN, correlation_id="c-1"):
        write(1, changes={"name": ["a", "b"]})
    write(2, grid="trail-products")
    assert rows(page(admin, f"?{question}")) == found


@pytest.mark.parametrize("question", ["target_id=1", "field=name", "operation=x", "since=soon", "source=nowhere"])
def test_filter_without_sense_is_said_beside_it_and_nothing_is_searched(admin: Client, question: str) -> None:
    write(1)
    text = page(admin, f"?{question}")
    assert "gridkit-error" in text
    assert "nothing was searched" in text
    assert rows(text) == []


def test_empty_trail_and_question_without_an_answer_are_said(admin: Client) -> None:
    assert "Nothing has been recorded yet." in page(admin, "")
    assert "No record fits." in page(admin, "?actor=nobody")


def test_reading_is_recorded_and_shown_on_demand_only(admin: Client) -> None:
    write(1)
    page(admin, "")
    assert "audit.read" not in page(admin, "").partition("<tbody>")[2]
    assert "audit.read" in page(admin, "?reads=on").partition("<tbody>")[2]
    found = AuditRecord.objects.filter(action="audit.read").latest("pk")
    assert (found.actor_label, found.context["source"]) == ("root", "admin")


def test_difference_is_shown_by_the_kind_of_the_value(admin: Client) -> None:
    customer = Customer.objects.create(name="Ada", email="a@x.org")
    found = record(
        "row.update",
        target=Target("shop.order", "7"),
        changes={
            "customer": [None, customer.pk],
            "note": ["", "line one\nline two"],
            "state": ["new", "paid"],
            "placed": ["2026-05-17T12:00:00+00:00", "nonsense"],
            "secret": ["***", "***"],
            "sealed": [{"$enc": "k:x"}, {"$enc": "k:y"}],
            "flag": [True, False],
            "document": [{"a": 1, "b": 2}, {"a": 1, "b": 3}],
            "list": [[1], []],
        },
    )
    text = page(admin, f"{found.pk}/change/")
    assert ">paid" not in text
    assert "Paid (paid)" in text
    assert "2026-05-17 12:00:00+00:00" in text
    assert "nonsense" in text
    assert text.count("masked") == 2
    assert text.count(">encrypted<") == 2
    assert "yes" in text
    assert re.search(r"<del>.*&quot;b&quot;: 2", text)
    assert re.search(r"<ins>.*&quot;b&quot;: 3", text)
    assert "***" not in text


def test_long_texts_are_compared_line_by_line_and_escaped(admin: Client) -> None:
    found = write(1, changes={"description": ["same\n<b>old</b>\n", "same\nnew\n"]})
    text = page(admin, f"{found.pk}/change/")
    assert "&lt;b&gt;old&lt;/b&gt;" in text
    assert "<b>old" not in text


def test_record_page_tells_who_and_why(admin: Client) -> None:
    boss = Actor.system("boss")
    with acting(Actor.system("x"), EventSource.TASK, impersonator=boss, reason="because", metadata={"ip": "192.0.2.1"}):
        found = write(1, evidence={"why": "it"})
        write(2)
    text = page(admin, f"{found.pk}/change/")
    for word in ("because", "192.0.2.1", "boss", "task", "&quot;why&quot;: &quot;it&quot;", str(found.uuid)):
        assert word in text
    act = page(admin, f"?operation={found.operation_id}")
    assert "One act" in act
    assert rows(act) == ["2", "1"]
    assert page(admin, "4711/change/", status=404)
    assert admin.get(f"{TRAIL}{found.pk}/history/").status_code == 302


def test_row_is_shown_as_it_was(admin: Client) -> None:
    product = Product.objects.create(sku="S1", name="now", price=Decimal(1))
    write(product.pk, changes={"name": ["then", "now"]})
    address = f"state/?type=shop.product&id={product.pk}"
    assert "now" in page(admin, f"{address}&at=2999-01-01").partition("gridkit-state")[2]
    assert "The records of this row begin at" in page(admin, f"{address}&at=2020-01-01")
    assert "no point in time" in page(admin, f"{address}&at=soon")
    assert "No change of such a row" in page(admin, "state/?type=shop.product&id=0&at=2020-01-01")
    assert "errornote" not in page(admin, address)


def test_row_that_was_not_there_is_said(admin: Client) -> None:
    record("row.create", target=Target("shop.product", "7"), changes={"name": [None, "x"]})
    assert "There was no such row" in page(admin, "state/?type=shop.product&id=7&at=2020-01-01")


def test_export_of_the_list_is_a_file_and_recorded(admin: Client) -> None:
    write(1)
    answer = admin.get(f"{TRAIL}export/?target_type=shop.product&format=csv")
    text = b"".join(answer.streaming_content).decode()
    assert answer["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert text.count("shop.product") == 1
    ended = AuditRecord.objects.get(action="audit.exported")
    assert (ended.actor_label, ended.context["evidence"]["rows"]) == ("root", 1)
    assert admin.get(f"{TRAIL}export/?field=x&format=csv").status_code == 302
    assert admin.get(f"{TRAIL}export/?format=xls").status_code == 302


def test_change_is_taken_back_with_a_reason(admin: Client, grid: None) -> None:
    product = Product.objects.create(sku="S1", name="new", price=Decimal(1))
    found = write(product.pk, changes={"name": ["old", "new"]})
    assert "Take this change back" in page(admin, f"{found.pk}/change/")
    answer = admin.post(f"{TRAIL}{found.pk}/revert/", {"reason": "a slip"}, follow=True)
    assert "was taken back" in answer.content.decode()
    product.refresh_from_db()
    assert product.name == "old"
    again = admin.post(f"{TRAIL}{found.pk}/revert/", follow=True)
    assert "audit-not-revertible" in again.content.decode()
    assert admin.get(f"{TRAIL}{found.pk}/revert/").status_code == 405


def test_change_that_has_no_way_back_offers_none_and_says_why(
    admin: Client, grid: None, staff: Callable[..., Client]
) -> None:
    found = write(1, changes={"name": ["a", "b"], "price": ["1.00", "2.00"]})
    text = page(admin, f"{found.pk}/change/")
    assert "gridkit-reason" not in text
    assert "Not from here: No grid lets you edit all fields of this change; not price." in text
    assert "Not from here" not in page(staff("view_auditrecord"), f"{found.pk}/change/")


def test_whoever_may_not_read_the_trail_sees_none_of_its_pages(staff: Callable[..., Client]) -> None:
    found = write(1)
    client = staff("view_savedview")
    for address in ("", f"{found.pk}/change/", "state/", "export/"):
        page(client, address, status=403)
    assert client.post(f"{TRAIL}{found.pk}/revert/").status_code == 403


def test_change_page_costs_the_same_for_few_and_many_records(
    admin: Client, idle_thread: None, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(60):
        write(number, changes={"name": ["a", "b"]})
    page(admin, "")
    with django_assert_max_num_queries(17):
        page(admin, "")


def test_reader_of_a_grid_sees_what_the_grid_shows(staff: Callable[..., Client], grid: None) -> None:
    client = staff("view_auditrecord", "open_grid")
    User.objects.get(username="staff").user_permissions.add(Permission.objects.get(codename="view_product"))
    write(1, changes={"name": ["a", "b"]}, grid="trail-products")
    assert ">name</span>" in page(client, "")


def test_encrypted_values_are_shown_to_those_with_the_right_and_that_is_recorded(
    admin: Client, staff: Callable[..., Client]
) -> None:
    audit_policies().set("tests", [AuditPolicy(model_label="shop.product", encrypt=frozenset({"name"}))])
    try:
        Product.objects.create(sku="S1", name="very private", price=Decimal(1))
    finally:
        audit_policies().drop("tests")
        subject_keys().forget()
    found = AuditRecord.objects.get(action="row.create")
    hidden = page(admin, f"{found.pk}/change/")
    assert ("very private" in hidden, "Show encrypted values" in hidden) == (False, True)
    shown = admin.post(f"{TRAIL}{found.pk}/reveal/").content.decode()
    assert "very private" in shown
    assert "Show encrypted values" not in shown
    told = AuditRecord.objects.get(action="audit.decrypt")
    assert (told.actor_label, told.context["source"]) == ("root", "admin")
    client = staff("view_auditrecord")
    assert "Show encrypted values" not in page(client, f"{found.pk}/change/")
    refused = client.post(f"{TRAIL}{found.pk}/reveal/", follow=True).content.decode()
    assert ("very private" in refused, "decrypt_audit" in refused) == (False, True)
    assert admin.get(f"{TRAIL}{found.pk}/reveal/").status_code == 405


def test_panel_tells_how_the_trail_is_above_the_whole_list_only(
    admin: Client, staff: Callable[..., Client], tmp_path: Any
) -> None:
    declare_destination("disk", f"file://{tmp_path}/trail.ndjson")
    seal_all()
    write(1)
    text = page(admin, "")
    assert all(words in text for words in ("Without a seal", "in time", "disk", "no change without a record", "never"))
    assert "Without a seal" not in page(admin, "?action=row.*")
    verify_audit()
    assert "nothing is wrong" in page(admin, "")
    reader = page(staff("view_auditrecord"), "")
    assert ("Without a seal" in reader, "Not delivered yet" in reader, "Verifications</a>" in reader) == (
        True,
        False,
        False,
    )


def test_panel_says_when_sealing_is_late(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    write(1)
    monkeypatch.setattr(TrailHealth, "is_late", True)
    assert "sealing is late" in page(admin, "")


def test_panel_says_what_is_to_be_seen_to_with_partitions(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "<h2>Partitions</h2>" not in page(admin, "")
    monkeypatch.setattr("gridkit_django.audit.health.faults_of", lambda _alias: ["No partition is there ahead."])
    assert "<h2>Partitions</h2>" in page(admin, "")
    assert "No partition is there ahead." in page(admin, "")


def test_verification_is_asked_for_and_shown(
    admin: Client, staff: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[AuditVerification] = []
    monkeypatch.setattr(audit_verification, "enqueue_verification", queued.append)
    address = "/admin/gridkit_django/auditverification/"
    assert "Verify the trail now" in admin.get(address).content.decode()
    shown = admin.post(f"{address}ask/", follow=True).content.decode()
    assert "data-open" in shown
    (row,) = queued
    assert row.requested_by == "root"
    row.state, row.seals, row.seals_total = VerificationState.RUNNING, 3, 9
    row.save()
    assert "3 of 9 seals" in admin.get(address).content.decode()
    assert "under way already" in admin.post(f"{address}ask/", follow=True).content.decode()
    row.state, row.faults = VerificationState.FAULTY, [{"kind": "changed", "detail": "the seal was changed"}]
    row.save()
    assert "the seal was changed" in admin.get(f"{address}{row.pk}/change/").content.decode()
    client = staff("view_auditverification")
    assert "Verify the trail now" not in client.get(address).content.decode()
    assert client.post(f"{address}ask/").status_code == 403


def test_nothing_that_a_record_holds_is_taken_for_markup(admin: Client) -> None:
    evil = '"><script>x</script>'
    act = acting(Actor.system(evil), EventSource.ORM, reason=evil * 5, impersonator=Actor.plugin(evil))
    with act:
        target = Target(evil, evil, f"{evil} label")
        found = record(
            evil, target=target, grid=evil, changes={evil: [evil, {evil: evil}], "a": [1, 2], "b": [1, 2], "c": [1, 2]}
        )
    for address in ("", f"{found.pk}/change/"):
        text = page(admin, address)
        assert "<script>x" not in text
        assert "&lt;script&gt;x" in text
