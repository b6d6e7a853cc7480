"""Notices by mail: who is told what, once, by a worker after the commit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.db import transaction

from gridkit_django.exceptions import PluginInitializeError
from gridkit_django.models import EffectiveState, InstalledPlugin, PluginVersion
from gridkit_django.plugins import PluginManager, send_notice
from gridkit_django.plugins.notices import notify_consent
from gridkit_django.tasks import notices as tasks
from tests.celery_app import app
from tests.plugins.samples import Explosive, Listener

pytestmark = pytest.mark.django_db(transaction=True)

RATES = "network:rates.example.org"


@pytest.fixture(autouse=True)
def readers(settings: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are told, and a worker that works at once."""
    monkeypatch.setitem(app.conf, name="task_always_eager", value=True)
    addresses = ["ops@example.org", "lead@example.org"]
    settings.GRIDKIT = {"NOTIFY_EMAILS": addresses}
    return addresses


@pytest.fixture
def listener(manager: PluginManager) -> Any:
    manager.install_plugin(Listener)
    return manager.runtime.live["listener"].plugin.context


@pytest.fixture
def waiting(listener: Any) -> Iterator[InstalledPlugin]:
    """The plugin, of which a version waits that asks for more."""
    row = InstalledPlugin.objects.select_related("current_version").get()
    manifest = {**row.current_version.manifest, "version": "2.0.0"}
    manifest["required_permissions"] = [*manifest["required_permissions"], "rows:read"]
    row.pending_version = PluginVersion.objects.create(plugin=row, version="2.0.0", manifest=manifest, digest="2")
    row.save()
    yield row
    InstalledPlugin.objects.update(pending_version=None)


@pytest.mark.both_databases
def test_request_is_mailed_once_with_the_words_of_the_plugin(listener: Any, readers: list[str]) -> None:
    for _ in range(2):
        listener.request_permission(RATES, "to fetch rates\nBcc: everybody@example.org")

    (letter,) = mail.outbox
    assert letter.subject == f"[Django] listener asks for {RATES}"
    assert letter.to == readers
    assert "to fetch rates" in letter.body
    assert "Grant or deny it." in letter.body
    assert (letter.cc, letter.bcc) == ([], [])


def test_request_without_a_reason_says_so(listener: Any) -> None:
    listener.request_permission(RATES)

    assert "It gave no reason." in mail.outbox[0].body


def test_nobody_is_told_of_a_request_that_is_rolled_back(listener: Any) -> None:
    with transaction.atomic():
        listener.request_permission(RATES)
        transaction.set_rollback(True)

    assert mail.outbox == []


def test_without_readers_no_task_is_sent(listener: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_args: object, **_options: object) -> None:
        raise AssertionError("sent")

    settings.GRIDKIT = {}
    monkeypatch.setattr(tasks.send_notice, "apply_async", never)

    listener.request_permission(RATES)

    assert not send_notice("request", "listener", RATES)
    assert mail.outbox == []


def test_plugin_that_the_system_suspends_is_mailed_with_the_reason(manager: PluginManager, listener: Any) -> None:
    manager.runtime.suspend(manager.runtime.live["listener"], "cpu-limit", "It took 300 % of a core.", {})

    (letter,) = mail.outbox
    assert letter.subject == "[Django] listener is suspended"
    assert "cpu-limit" in letter.body
    assert "It took 300 % of a core." in letter.body


def test_plugin_in_quarantine_is_mailed_with_the_reason(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Explosive, "fuse", [ValueError("no fuse")])
    with pytest.raises(PluginInitializeError):
        manager.install_plugin(Explosive)

    (letter,) = mail.outbox
    assert letter.subject == "[Django] explosive is quarantined"
    assert "no fuse" in letter.body


def test_plugin_that_is_degraded_is_no_reason_for_a_mail(manager: PluginManager, listener: Any) -> None:
    InstalledPlugin.objects.update(effective_state=EffectiveState.DEGRADED, state_code="health-unhealthy")

    assert not send_notice("stopped", "listener", "health-unhealthy")


def test_version_that_waits_for_consent_is_mailed_with_what_it_asks_for(waiting: InstalledPlugin) -> None:
    with transaction.atomic():
        notify_consent("listener", "2.0.0")
        assert mail.outbox == []

    (letter,) = mail.outbox
    assert letter.subject == "[Django] listener 2.0.0 waits for consent"
    assert "asks for rows:read." in letter.body


@pytest.mark.parametrize(
    ("kind", "subject"), [("request", RATES), ("consent", "3.0.0"), ("stopped", "cpu-limit"), ("stopped", "")]
)
def test_what_is_over_before_the_mail_goes_out_is_not_told(waiting: InstalledPlugin, kind: str, subject: str) -> None:
    assert not send_notice(kind, "listener", subject)
    assert not send_notice(kind, "gone", subject)
    assert mail.outbox == []


def test_mail_server_that_can_not_be_reached_is_tried_again(listener: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listener.request_permission(RATES)
    mail.outbox.clear()
    failures = [ConnectionRefusedError("no mail server"), TimeoutError("silence")]

    def fail_twice(*arguments: str) -> bool:
        if failures:
            raise failures.pop()
        return send_notice(*arguments)

    monkeypatch.setattr(tasks, "send", fail_twice)
    tasks.send_notice.apply(args=["request", "listener", RATES])

    assert len(mail.outbox) == 1
