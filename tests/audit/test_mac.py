"""MACs of records: each change shows, keys are rotated, and without the secrets none can be made."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from gridkit_django.audit import Target, record
from gridkit_django.audit.mac import MAC_BYTES, MacCheck, MacKeys, check_mac, mac_keys, mac_of
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.models import AuditOperation, AuditRecord

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

ROW = Target("shop.product", "7", "Hammer")


def written(**given: Any) -> AuditRecord:
    with acting(Actor.system("t"), EventSource.API, metadata={"ip": "192.0.2.1"}, reason="because"):
        return record("row.update", target=ROW, changes={"price": ["1.10", "2.20"]}, **given)


def stored(made: AuditRecord) -> AuditRecord:
    return AuditRecord.objects.get(pk=made.pk)


def test_stored_record_has_a_mac_that_fits_to_it() -> None:
    found = stored(written())
    assert check_mac(found) is MacCheck.RIGHT
    assert len(bytes(found.mac)) == MAC_BYTES + 1


def test_second_record_of_an_act_fits_to_the_circumstances_that_the_first_stored() -> None:
    with acting(Actor.system("t"), EventSource.API):
        made = [record("row.update", target=ROW) for _ in range(2)]
    assert AuditOperation.objects.count() == 1
    assert [check_mac(stored(item)) for item in made] == [MacCheck.RIGHT] * 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("actor_id", "x"), ("target_id", "8"), ("changes", {"price": ["1.10", "2.2"]}), ("action", "row.delete")],
)
def test_each_changed_column_shows(field: str, value: Any) -> None:
    found = stored(written())
    setattr(found, field, value)
    assert check_mac(found) is MacCheck.WRONG


def test_changed_circumstances_show() -> None:
    found = stored(written())
    found.operation.impersonator_id = "9"
    assert check_mac(found) is MacCheck.WRONG


def test_record_that_the_database_wrote_has_none() -> None:
    found = stored(written())
    found.mac = None
    assert check_mac(found) is MacCheck.ABSENT


def test_keys_are_rotated_with_the_settings() -> None:
    before = written()
    with override_settings(GRIDKIT={"AUDIT_MAC_KEYS": ["new"]}):
        after = written()
        assert bytes(after.mac)[:1] == MacKeys(["new"]).mac(b"")[:1]
        assert [check_mac(before), check_mac(after)] == [MacCheck.RIGHT] * 2
    assert check_mac(after) is MacCheck.UNKNOWN_KEY


def test_key_of_the_site_is_made_once() -> None:
    assert mac_keys() is mac_keys()
    assert mac_of(written())[:1] == mac_keys().mac(b"x")[:1]
