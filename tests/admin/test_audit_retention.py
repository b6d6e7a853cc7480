"""Legal holds and receipts of purges in the admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings

from gridkit_django.admin import audit_retention
from gridkit_django.audit import Target, record
from gridkit_django.audit.partitions import Conversion
from gridkit_django.audit.retention import HoldScope, Term, place_hold
from gridkit_django.models import AuditHold, AuditPurge, AuditRecord
from tests.audit.chains import write

pytestmark = pytest.mark.django_db

URL = "/admin/gridkit_django/audithold/"


def form(**values: str) -> dict[str, str]:
    empty = {f"{name}_{part}": "" for name in ("since", "until") for part in (0, 1)}
    return {
        "name": "case 7",
        "reason": "the court",
        "target_type": "",
        "target_id": "",
        "actor_id": "",
        **empty,
        **values,
    }


def test_hold_is_placed_released_and_both_are_recorded(admin: Client) -> None:
    admin.post(f"{URL}add/", form(target_type="shop.Order", target_id="4"))
    hold = AuditHold.objects.get()
    assert (hold.target_type, hold.target_id, hold.created_by) == ("shop.order", "4", "root")
    assert "target type shop.order, target id 4" in admin.get(URL).content.decode()

    admin.post(URL, {"action": "release", "_selected_action": str(hold.pk)})
    assert "released" in admin.get(URL).content.decode()
    told = AuditRecord.objects.filter(target_type="audit-hold").order_by("pk").values_list("action", "actor_label")
    assert list(told) == [("audit.hold", "root"), ("audit.release", "root")]


def test_whoever_places_a_hold_is_told_how_many_records_it_keeps(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def placed(**values: str) -> str:
        return admin.post(f"{URL}add/", form(**values), follow=True).content.decode()

    for number in range(3):
        record("row.update", target=Target("shop.order", str(number)))
    assert "It keeps 3 records now." in placed(target_type="shop.order", target_id="")
    assert "It keeps no record now." in placed(target_type="shop.ordr", target_id="")
    monkeypatch.setattr(audit_retention, "_COUNTED", 2)
    assert "It keeps more than 2 records now." in placed(target_type="shop.order", target_id="")


def test_hold_that_ends_before_it_begins_is_told_at_its_field(admin: Client) -> None:
    times = {"since_0": "2026-02-02", "since_1": "00:00", "until_0": "2026-02-01", "until_1": "00:00"}

    assert "ends before it begins" in admin.post(f"{URL}add/", form(**times)).content.decode()
    assert not AuditHold.objects.exists()


def test_placed_hold_can_neither_be_changed_nor_deleted(admin: Client) -> None:
    hold = place_hold("case", "why", HoldScope(target_id="1"))

    assert admin.post(f"{URL}{hold.pk}/change/", form(name="other")).status_code == 403
    assert admin.post(f"{URL}{hold.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "every record" not in admin.get(URL).content.decode()


def test_staff_without_the_right_may_look_only(staff: Callable[..., Client]) -> None:
    hold = place_hold("case", "why")
    client = staff("view_audithold")

    assert "every record" in client.get(URL).content.decode()
    assert client.get(f"{URL}add/").status_code == 403
    client.post(URL, {"action": "release", "_selected_action": str(hold.pk)})
    assert AuditHold.objects.get().released_at is None


def test_receipts_of_purges_are_shown(admin: Client) -> None:
    receipt = AuditPurge.objects.create(
        first_id=1, last_id=9, count=9, spans=[[1, 9]], leaves={}, key_id="k", signature=b"s", archive="a.ndjson.gz"
    )

    assert "a.ndjson.gz" in admin.get("/admin/gridkit_django/auditpurge/").content.decode()
    assert "[[1, 9]]" in admin.get(f"/admin/gridkit_django/auditpurge/{receipt.pk}/change/").content.decode()


def partitions_page(client: Client) -> str:
    return client.get("/admin/gridkit_django/auditpurge/").content.decode()


@pytest.mark.both_databases
def test_page_of_purges_says_how_the_table_can_be_divided_where_it_can(admin: Client) -> None:
    assert ("gridkit_audit_partition convert" in partitions_page(admin)) is (connection.vendor == "postgresql")


@pytest.mark.both_databases
@pytest.mark.postgres_only
def test_partitions_are_shown_with_their_times_sizes_and_when_they_are_over(
    admin: Client, staff: Callable[..., Client]
) -> None:
    write(1)
    Conversion("default", size=3).run()
    write(2)
    place_hold("case", "why")
    with override_settings(GRIDKIT={**settings.GRIDKIT, "AUDIT_RETENTION": {"*": "7y", "row.*": "1y"}}):
        page = partitions_page(admin)
    assert page.count('class="gridkit-share"') == 4
    for text in ("complete", "is filled", "made ahead", "for all that come later", "A legal hold stands"):
        assert text in page
    assert f"{write(1)[0].occurred_at.year + 7}" in page
    with override_settings(GRIDKIT={**settings.GRIDKIT, "AUDIT_RETENTION": {"*": "soon"}}):
        assert "complete" in partitions_page(admin)
    assert "may go" not in page
    write(6)
    page = partitions_page(admin)
    assert "lacks partitions" in page
    assert "Run gridkit_audit_partition ahead." in page
    assert "Partitions of the records" not in partitions_page(staff("view_audithold"))


@pytest.mark.both_databases
@pytest.mark.postgres_only
def test_partition_that_is_over_is_said_to_go(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    Conversion("default", size=1).run()
    write(2)
    monkeypatch.setattr(Term, "after", lambda _self, moment: moment)
    with override_settings(GRIDKIT={**settings.GRIDKIT, "AUDIT_RETENTION": {"*": "7y"}}):
        assert "may go" in partitions_page(admin)


def test_day_and_time_of_a_hold_have_names_of_their_own(admin: Client) -> None:
    text = admin.get(f"{URL}add/").content.decode()
    assert ('aria-label="Records from: day"' in text, 'aria-label="Records before: time"' in text) == (True, True)
