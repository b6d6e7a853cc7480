"""Destinations of the audit trail in the admin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client, override_settings

from gridkit_django.audit.delivery.destinations import declare_destination, secret_of
from gridkit_django.models import AuditDestination, AuditRecord
from tests.audit.chains import key, sealer, write
from tests.audit.receivers import collect

pytestmark = pytest.mark.django_db

URL = "/admin/gridkit_django/auditdestination/"
COLLECT = "tests.audit.receivers.collect"


@pytest.fixture(autouse=True)
def nothing_collected() -> Iterator[None]:
    collect.taken, collect.raises = [], []
    with override_settings(GRIDKIT={**django_settings.GRIDKIT}):
        yield


def form(**values: str) -> dict[str, str]:
    return {"name": "siem", "address": "https://siem.example/in", "format": "native", "secret": "", **values}


def act(client: Client, name: str, row: AuditDestination) -> str:
    answer = client.post(URL, {"action": name, "_selected_action": str(row.pk)}, follow=True)
    return answer.content.decode()


def test_destination_is_added_with_a_secret_that_no_page_shows(admin: Client) -> None:
    answer = admin.post(f"{URL}add/", form(secret="very secret"), follow=True)

    row = AuditDestination.objects.get()
    assert answer.status_code == 200
    assert (row.kind, secret_of(row)) == ("webhook", "very secret")
    assert "very secret" not in admin.get(f"{URL}{row.pk}/change/").content.decode()
    assert AuditRecord.objects.get(action="audit.destination").actor_label == "root"


def test_wrong_address_is_told_at_its_field_and_nothing_is_stored(admin: Client) -> None:
    page = admin.post(f"{URL}add/", form(address="http://siem.example/")).content.decode()

    assert "is not encrypted" in page
    assert not AuditDestination.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        *("file:///home/worker/.profile", "FILE:///home/worker/.profile", "file:/a/b", "file:///var/log/auditing/x"),
        *("file:///var/log/audit/../../../etc/x", "os.abort", "tests.audit.receivers"),
    ],
)
def test_file_or_function_that_the_settings_do_not_list_is_refused(admin: Client, settings: Any, address: str) -> None:
    settings.GRIDKIT = {"AUDIT_LOCAL_DESTINATIONS": ["file:///var/log/audit/", COLLECT]}
    answer = admin.post(f"{URL}add/", form(address=address))

    assert answer.status_code == 200
    assert answer.context["adminform"].errors["address"]
    assert not AuditDestination.objects.exists()


@pytest.mark.parametrize("address", ["file:///var/log/audit/trail.ndjson", COLLECT])
def test_file_or_function_that_the_settings_list_is_taken(admin: Client, settings: Any, address: str) -> None:
    settings.GRIDKIT = {"AUDIT_LOCAL_DESTINATIONS": ["file:///var/log/audit/", COLLECT]}
    admin.post(f"{URL}add/", form(address=address))
    assert AuditDestination.objects.get().address == address


def test_function_that_code_declared_stays_when_something_else_is_changed(admin: Client) -> None:
    row = declare_destination("siem", COLLECT)
    admin.post(f"{URL}{row.pk}/change/", form(address=COLLECT, format="cef"))
    row.refresh_from_db()
    assert (row.address, row.format) == (COLLECT, "cef")


def test_change_keeps_the_secret_and_the_name(admin: Client) -> None:
    row = declare_destination("siem", "https://siem.example/in", secret="very secret")

    admin.post(f"{URL}{row.pk}/change/", form(name="other", address="https://siem.example/new", format="cef"))

    row.refresh_from_db()
    assert (row.name, row.address, row.format) == ("siem", "https://siem.example/new", "cef")
    assert secret_of(row) == "very secret"


def test_list_shows_state_backlog_and_the_last_error(admin: Client) -> None:
    declare_destination("siem", COLLECT)
    write(3)
    sealer(key()).run()
    AuditDestination.objects.update(state="parked", failures=1, last_error="no <b>thanks</b>")

    page = admin.get(URL).content.decode()

    told = re.search(r'class="field-backlog">4<div class="gridkit-place">since \d{4}-\d\d-\d\d \d\d:\d\d<', page)
    assert told, "three records, and that of the destination itself"
    assert "parked: waits for a person" in page
    assert "no &lt;b&gt;thanks" in page


def test_actions_send_pause_and_go_on(admin: Client) -> None:
    row, signer = declare_destination("siem", COLLECT), key()
    write(3)
    sealer(signer).run()

    assert "iem took 4 records." in act(admin, "send_now", row)
    act(admin, "pause_them", row)
    assert "iem is not due." in act(admin, "send_now", row)
    act(admin, "resume_them", row)
    write(1)
    sealer(signer).run()
    collect.raises = [OSError("gone")]
    assert "raised OSError: gone" in act(admin, "send_now", row)


def test_deletion_is_recorded(admin: Client) -> None:
    row = declare_destination("siem", COLLECT)

    admin.post(f"{URL}{row.pk}/delete/", {"post": "yes"})
    assert AuditRecord.objects.get(action="audit.drop_destination").target_label == "siem"

    row = declare_destination("siem", COLLECT)
    admin.post(URL, {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"})
    assert not AuditDestination.objects.exists()


def test_destination_of_a_plugin_can_only_be_looked_at(admin: Client) -> None:
    row = declare_destination("siem", COLLECT, managed_by="@gridkit/plugin-audit-log")

    assert admin.post(f"{URL}{row.pk}/change/", form(address="https://else.example/")).status_code == 403
    assert admin.post(f"{URL}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert row.address == COLLECT


def test_page_without_the_right_is_forbidden(staff: Callable[..., Client]) -> None:
    row = declare_destination("siem", COLLECT)
    client = staff("view_auditdestination")

    assert client.get(URL).status_code == 200
    assert client.post(f"{URL}add/", form()).status_code == 403
    act(client, "pause_them", row)
    assert AuditDestination.objects.get().state == "ready"
