"""Legal holds and receipts of purges in the admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from gridkit_django.audit.retention import HoldScope, place_hold
from gridkit_django.models import AuditHold, AuditPurge, AuditRecord

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
