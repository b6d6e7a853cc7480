"""The outbox in the admin: who sees what, what is done, and that nothing of a message is shown without the right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from guardian.shortcuts import assign_perm

from gridkit_django.models import (
    AuditRecord,
    ChannelState,
    InstalledPlugin,
    OutboxChannel,
    OutboxDeadLetter,
    OutboxHour,
    OutboxMessage,
)
from gridkit_django.outbox.figures import this_hour

pytestmark = pytest.mark.django_db

CHANNELS = "/admin/gridkit_django/outboxchannel/"
LETTERS = "/admin/gridkit_django/outboxdeadletter/"


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr("gridkit_django.tasks.queue.CeleryQueue.enqueue_outbox", lambda _self, *args: told.append(args))
    return told


@pytest.fixture
def channel() -> OutboxChannel:
    """A channel that is held, with two messages that wait, an hour of figures and a dead letter."""
    plugin = InstalledPlugin.objects.create(
        plugin_id="sender", source="object", source_ref="-", desired_state="active", effective_state="active"
    )
    OutboxMessage.objects.create(plugin=plugin, channel="vendor", key="m1", payload="{}", size=2)
    OutboxMessage.objects.create(plugin=plugin, channel="vendor", key="m2", payload="{}", size=2)
    OutboxHour.objects.create(plugin=plugin, channel="vendor", hour=this_hour(), delivered=7531, dead=1)
    OutboxDeadLetter.objects.create(
        plugin=plugin,
        channel="vendor",
        key="d1",
        payload='{"name": "<b>Ada</b>"}',
        size=2,
        put_at=timezone.now(),
        reason="The server answered 400.",
        status=400,
        response="no such name: Ada",
    )
    return OutboxChannel.objects.create(
        plugin=plugin,
        name="vendor",
        state=ChannelState.HELD,
        state_code="refused",
        state_reason="The server answered 401.",
        state_response="the key of Ada is wrong",
        delivered=7531,
        dead=1,
        expired=2,
    )


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def staff_of(plugin: InstalledPlugin, *rights: str) -> Client:
    user = User.objects.create_user("keeper", password="keeper-pass", is_staff=True)
    for right in rights:
        assign_perm(f"gridkit_django.{right}", user, plugin)
    client = Client()
    client.force_login(user)
    return client


def test_list_and_page_of_a_channel_say_how_it_is_and_why(admin: Client, channel: OutboxChannel) -> None:
    listed = page(admin, CHANNELS)
    assert "not open" in listed or "held: waits for a person" in listed
    assert "2 (4" in listed
    assert "1 dead letter<br>2 expired" in listed

    shown = page(admin, f"{CHANNELS}{channel.pk}/change/")
    assert "The server answered 401." in shown
    assert "the key of Ada is wrong" in shown
    assert "1 now, 1 ever" in shown
    assert 'aria-label="Delivered"' in shown
    assert '<td class="gridkit-number">7531</td>' in shown


def test_empty_lists_are_shown(admin: Client) -> None:
    assert "0 outbox channels" in page(admin, CHANNELS)
    assert "0 dead letters" in page(admin, LETTERS)


def test_channel_is_paused_and_resumed_by_buttons_and_actions(
    admin: Client,
    channel: OutboxChannel,
    django_capture_on_commit_callbacks: Any,
    woken: list[object],
) -> None:
    admin.post(f"{CHANNELS}{channel.pk}/do/pause/")
    channel.refresh_from_db()
    assert channel.paused
    assert "Go on" in page(admin, f"{CHANNELS}{channel.pk}/change/")
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin.post(CHANNELS, {"action": "resume_them", "_selected_action": str(channel.pk)}, follow=True)
    channel.refresh_from_db()
    assert (channel.paused, channel.state, woken) == (False, "ready", [("sender", "vendor")])
    assert "A worker was asked" in answer.content.decode()
    admin.post(CHANNELS, {"action": "pause_them", "_selected_action": str(channel.pk)})
    actions = AuditRecord.objects.filter(action__startswith="outbox.").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["outbox.pause", "outbox.resume", "outbox.pause"]


@pytest.mark.parametrize(("right", "sees"), [("view_outbox", True), ("manage_outbox", False)])
def test_payload_and_response_are_shown_with_the_right_on_the_plugin_only(
    channel: OutboxChannel, right: str, sees: bool
) -> None:
    client = staff_of(channel.plugin, right)
    letter = OutboxDeadLetter.objects.get()

    shown = page(client, f"{LETTERS}{letter.pk}/change/")
    assert ("&lt;b&gt;Ada&lt;/b&gt;" in shown) is sees
    assert ("no such name" in shown) is sees
    assert ("is shown to holders of the right view_outbox" in shown) is not sees
    assert "The server answered 400." in shown
    assert ("the key of Ada" in page(client, f"{CHANNELS}{channel.pk}/change/")) is sees
    assert "Ada" not in page(client, LETTERS) + page(client, CHANNELS)


def test_who_may_only_look_changes_nothing(channel: OutboxChannel) -> None:
    client = staff_of(channel.plugin, "view_outbox")
    letter = OutboxDeadLetter.objects.get()

    assert "Pause" not in page(client, f"{CHANNELS}{channel.pk}/change/").split("content-main")[1]
    assert client.post(f"{CHANNELS}{channel.pk}/do/pause/").status_code == 403
    assert client.post(CHANNELS, {"action": "pause_them", "_selected_action": "1"}).status_code in (302, 403)
    assert client.post(f"{LETTERS}{letter.pk}/replay/").status_code == 403
    assert client.post(f"{LETTERS}{letter.pk}/delete/", {"post": "yes"}).status_code == 403
    replay = {"action": "replay_them", "_selected_action": str(letter.pk)}
    assert client.post(LETTERS, replay).status_code == 403
    channel.refresh_from_db()
    assert (channel.paused, OutboxDeadLetter.objects.count()) == (False, 1)


def test_plugins_of_others_do_not_exist_for_who_looks_after_one(
    channel: OutboxChannel, staff: Callable[..., Client]
) -> None:
    other = InstalledPlugin.objects.create(plugin_id="other", source="object", source_ref="-")
    client = staff_of(other, "view_outbox", "manage_outbox")
    letter = OutboxDeadLetter.objects.get()

    assert "0 outbox channels" in page(client, CHANNELS)
    assert "0 dead letters" in page(client, LETTERS)
    assert client.post(f"{CHANNELS}{channel.pk}/do/pause/").status_code == 404
    assert client.post(f"{LETTERS}{letter.pk}/replay/").status_code == 404
    assert client.get(f"{LETTERS}{letter.pk}/change/").status_code == 302
    assert staff("view_installedplugin").get(CHANNELS).status_code == 403


def test_letters_are_replayed_and_discarded_by_who_manages_the_plugin(channel: OutboxChannel) -> None:
    client = staff_of(channel.plugin, "manage_outbox")
    letter = OutboxDeadLetter.objects.get()
    client.post(f"{LETTERS}{letter.pk}/replay/")
    assert list(OutboxMessage.objects.values_list("key", flat=True)) == ["m1", "m2", "d1"]
    for number in range(3):
        OutboxDeadLetter.objects.create(
            plugin=channel.plugin, channel="vendor", key=f"k{number}", payload="{}", size=2, put_at=timezone.now()
        )
    keys = [str(pk) for pk in OutboxDeadLetter.objects.values_list("pk", flat=True)]
    client.post(LETTERS, {"action": "replay_them", "_selected_action": keys[:1]})
    client.post(LETTERS, {"action": "delete_selected", "_selected_action": keys[1:2], "post": "yes"})
    client.post(f"{LETTERS}{keys[2]}/delete/", {"post": "yes"})

    assert not OutboxDeadLetter.objects.exists()
    assert OutboxMessage.objects.count() == 4
    records = AuditRecord.objects.filter(action__startswith="outbox.").order_by("pk")
    assert [record.action for record in records] == ["outbox.replay"] * 2 + ["outbox.discard"] * 2
    assert [len(record.context["evidence"]["keys"]) for record in records] == [1, 1, 1, 1]
    assert {record.actor_label for record in records} == {"keeper"}
