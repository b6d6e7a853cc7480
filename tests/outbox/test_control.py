"""What administrators do: pause, resume, replay, discard; and what becomes of messages whose plugin is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from django.utils import timezone

from gridkit_django.checks import check_outbox, check_outbox_protection
from gridkit_django.exceptions import OutboxChannelError
from gridkit_django.models import (
    AuditRecord,
    ChannelState,
    InstalledPlugin,
    OutboxChannel,
    OutboxDeadLetter,
    OutboxHour,
    OutboxMessage,
)
from gridkit_django.plugins import PluginContext, PluginManager, Verdict
from gridkit_django.tasks.outbox import deliver_outbox
from tests.outbox.conftest import channel
from tests.outbox.test_sending import again_now, put, send, waiting
from tests.outbox.vendor import Reply, Vendor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

Install = Callable[..., PluginContext]


def states(manager: PluginManager) -> dict[str, tuple[str, str]]:
    return {info.row.name: (info.state, info.code) for info in manager.list_outbox_channels()}


def test_paused_channel_sends_nothing_until_it_is_resumed_and_both_are_recorded(
    context: PluginContext, manager: PluginManager, vendor: Vendor, woken: list[Any]
) -> None:
    user = User.objects.create(username="root")
    put(context, 1)
    send(manager)
    manager.pause_outbox_channel("sender", "vendor", user=user)
    manager.pause_outbox_channel("sender", "vendor", user=user)
    put(context, 2)
    send(manager)

    assert len(vendor.requests) == 1
    assert states(manager)["vendor"] == ("paused", "paused")
    woken.clear()
    manager.resume_outbox_channel("sender", "vendor", user=user)
    assert woken == [("sender", "vendor")]
    send(manager)
    assert (len(vendor.requests), waiting()) == (2, [])
    records = AuditRecord.objects.filter(action__startswith="outbox.").order_by("pk")
    assert [(item.action, item.actor_id) for item in records] == [
        ("outbox.pause", str(user.pk)),
        ("outbox.resume", str(user.pk)),
    ]
    assert records[0].context["evidence"] == {"channel": "vendor"}


def test_pause_during_a_batch_ends_the_turn_after_it(install: Install, manager: PluginManager, vendor: Vendor) -> None:
    def judge(_messages: object, _response: object) -> Verdict:
        OutboxChannel.objects.update(paused=True)
        return Verdict.delivered()

    context = install(options={"batch_max": 1}, judges=judge)
    put(context, 3)
    send(manager)

    assert (len(vendor.requests), waiting()) == (1, ["k1", "k2"])


def test_resume_lets_a_channel_that_is_held_go_on_at_once(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    vendor.replies.append(Reply(401))
    put(context, 1)
    send(manager)
    manager.resume_outbox_channel("sender", "vendor")
    send(manager)

    assert (len(vendor.requests), channel().state) == (2, ChannelState.READY)


def test_unknown_channel_is_refused(context: PluginContext, manager: PluginManager) -> None:
    with pytest.raises(OutboxChannelError, match="no channel 'other'"):
        manager.pause_outbox_channel("sender", "other")


def test_dead_letters_are_replayed_under_their_keys_and_recorded(
    context: PluginContext, manager: PluginManager, vendor: Vendor, woken: list[Any]
) -> None:
    vendor.judge = lambda body: Reply(422 if any(item["n"] % 2 for item in body) else 200)
    put(context, 5)
    send(manager)
    assert OutboxDeadLetter.objects.count() == 2
    vendor.judge = None
    woken.clear()

    number = manager.replay_dead_letters(OutboxDeadLetter.objects.filter(key="k3"), evidence={"keys": ["k3"]})

    assert (number, waiting(), woken) == (1, ["k3"], [("sender", "vendor")])
    assert OutboxDeadLetter.objects.get().key == "k1"
    send(manager)
    assert vendor.bodies()[-1] == [{"id": "k3", "n": 3}]
    record = AuditRecord.objects.get(action="outbox.replay")
    assert record.context["evidence"] == {"keys": ["k3"], "channel": "vendor", "letters": 1}


def test_dead_letters_are_discarded_and_recorded(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    vendor.judge = lambda _body: Reply(422)
    put(context, 2)
    send(manager)

    assert manager.discard_dead_letters(OutboxDeadLetter.objects.all()) == 2
    assert not OutboxDeadLetter.objects.exists()
    assert AuditRecord.objects.get(action="outbox.discard").context["evidence"]["letters"] == 2


def test_full_channel_drops_what_is_put_and_counts_it_and_no_edit_fails(
    install: Install, manager: PluginManager
) -> None:
    context = install(options={"max_messages": 3})
    keys = put(context, 5)
    context.outbox.put("vendor", {"n": 9})
    manager.runtime.housekeeping()

    assert (len(keys), waiting()) == (5, ["k0", "k1", "k2"])
    assert channel().dropped == 3
    assert OutboxHour.objects.get().dropped == 3
    manager.runtime.housekeeping()
    assert channel().dropped == 3


def test_channel_is_full_by_its_bytes_too(install: Install, manager: PluginManager) -> None:
    context = install()
    with override_settings(GRIDKIT={"OUTBOX_BYTES_MAX": 30}):
        context.outbox.put_many("vendor", [{"t": "x" * 10}, {"t": "x" * 20}, {"t": ""}], keys=["a", "b", "c"])

    assert waiting() == ["a"]


def test_old_messages_expire_with_a_count_also_where_nobody_sends(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    put(context, 3)
    send_state = OutboxMessage.objects.filter(key__in=["k0", "k1"])
    send_state.update(put_at=timezone.now() - timedelta(days=1, minutes=1))
    manager.deactivate_plugin("sender")
    manager.runtime.housekeeping()

    assert deliver_outbox() == 0
    assert waiting() == ["k2"]
    assert channel().expired == 2
    assert OutboxHour.objects.get().expired == 2
    assert vendor.requests == []


def test_old_messages_expire_before_a_turn_sends_them(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    put(context, 2)
    OutboxMessage.objects.filter(key="k0").update(put_at=timezone.now() - timedelta(days=2))
    send(manager)

    assert vendor.bodies() == [[{"id": "k1", "n": 1}]]
    assert (channel().expired, channel().delivered) == (1, 1)


def test_messages_of_a_plugin_that_is_stopped_wait_and_go_when_it_is_back(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    put(context, 1)
    send(manager)
    put(context, 1)
    manager.deactivate_plugin("sender")

    assert not send(manager)
    assert states(manager)["vendor"] == ("stopped", "plugin-not-at-work")
    manager.activate_plugin("sender")
    assert not send(manager)
    assert (len(vendor.requests), waiting()) == (2, [])


def test_channel_that_a_version_does_not_open_keeps_its_messages(
    context: PluginContext, install: Install, manager: PluginManager, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(context, 1)
    send(manager)
    put(context, 1)
    monkeypatch.setattr("tests.outbox.senders.Sender.opens", False)
    manager.deactivate_plugin("sender")
    manager.activate_plugin("sender")

    send(manager)
    assert states(manager)["vendor"] == ("closed", "channel-not-open")
    assert waiting() == ["k0"]
    with pytest.raises(OutboxChannelError, match="has opened no channel 'vendor'"):
        manager.runtime.live["sender"].plugin.context.outbox.put("vendor", {})


def test_uninstalling_removes_all_and_the_record_says_how_much(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    vendor.judge = lambda _body: Reply(422)
    put(context, 1)
    send(manager)
    put(context, 2)
    manager.uninstall_plugin("sender")

    assert not InstalledPlugin.objects.filter(plugin_id="sender").exists()
    for model in (OutboxMessage, OutboxChannel, OutboxDeadLetter, OutboxHour):
        assert not model.objects.exists()
    evidence = AuditRecord.objects.get(action="plugin.uninstall").context["evidence"]
    assert (evidence["outboxMessages"], evidence["outboxDeadLetters"]) == (2, 1)


def test_beat_hands_over_what_is_due_and_nothing_that_waits(
    context: PluginContext, manager: PluginManager, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[str]] = []
    monkeypatch.setattr("gridkit_django.tasks.outbox.send", lambda _task, args: told.append(args))
    assert deliver_outbox() == 0
    put(context, 1)
    assert deliver_outbox() == 1
    vendor.replies.append(Reply(500))
    send(manager)
    assert deliver_outbox() == 0
    again_now()
    assert deliver_outbox() == 1
    assert told == [["sender", "vendor"]] * 2


def test_channel_is_known_before_a_worker_comes_and_says_when_none_does(
    context: PluginContext, manager: PluginManager
) -> None:
    manager.runtime.housekeeping()
    put(context, 1)
    OutboxMessage.objects.update(put_at=timezone.now() - timedelta(minutes=6))

    (counts, vendor) = manager.list_outbox_channels()
    assert (counts.row.is_local, counts.state, counts.backlog.messages) == (True, "ready", 0)
    assert (vendor.state, vendor.code, vendor.is_late) == ("ready", "no-worker", True)
    assert (vendor.backlog.messages, vendor.backlog.bytes) == (1, 7)


def test_checks_tell_of_channels_that_wait_for_a_person_or_a_worker(
    context: PluginContext, manager: PluginManager
) -> None:
    manager.runtime.housekeeping()
    assert check_outbox(["default"]) == []
    OutboxChannel.objects.filter(name="vendor").update(state=ChannelState.HELD, state_reason="The server answered 401.")
    put(context, 1, "counts")
    OutboxMessage.objects.update(put_at=timezone.now() - timedelta(minutes=6))

    assert check_outbox() == check_outbox(["other"]) == []
    assert [(item.id, item.msg) for item in check_outbox(["default"])] == [
        ("gridkit.W204", "The channel counts of sender has messages that wait for a worker."),
        ("gridkit.W204", "The channel vendor of sender is held: The server answered 401."),
    ]


def test_check_tells_of_ways_out_that_are_open(context: PluginContext) -> None:
    assert [item.id for item in check_outbox_protection()] == ["gridkit.W008"] * 2
    with override_settings(GRIDKIT={}):
        assert check_outbox_protection() == []
    with override_settings(GRIDKIT={"NO": 1}):
        assert check_outbox_protection() == []


def test_new_version_brings_its_own_limits(
    context: PluginContext, manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(context, 1)
    send(manager)
    assert (channel().batch_max, channel().batch_now, channel().max_age_seconds) == (500, 500, 86_400)
    monkeypatch.setattr("tests.outbox.senders.Sender.options", {"batch_max": 7, "max_age": timedelta(hours=1)})
    manager.deactivate_plugin("sender")
    manager.activate_plugin("sender")
    manager.runtime.housekeeping()

    assert (channel().batch_max, channel().batch_now, channel().max_age_seconds) == (7, 7, 3600)
