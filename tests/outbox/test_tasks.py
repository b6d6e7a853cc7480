"""The way through Celery: a commit wakes a worker, and a channel with more than a turn takes comes again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from gridkit_django.exceptions import OutboxChannelError, OutboxMessageError, PluginLimitError
from gridkit_django.models import OutboxDeadLetter, OutboxHour, OutboxMessage
from gridkit_django.outbox.endings import TRIES_MAX
from gridkit_django.outbox.figures import HOURS_KEPT, this_hour
from gridkit_django.outbox.retry_after import retry_after
from gridkit_django.plugins import OutgoingResponse, PluginContext, PluginManager, Verdict
from gridkit_django.plugins.outbox import CHANNELS_MAX
from gridkit_django.tasks.outbox import send_outbox
from gridkit_django.tasks.queue import CeleryQueue
from tests.celery_app import app
from tests.outbox.conftest import channel
from tests.outbox.test_sending import put, send, waiting
from tests.outbox.vendor import Vendor

pytestmark = pytest.mark.django_db(transaction=True)

Install = Callable[..., PluginContext]
ENQUEUE = CeleryQueue.enqueue_outbox


def test_commit_brings_messages_to_the_server_by_way_of_the_task(
    context: PluginContext, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CeleryQueue, "enqueue_outbox", ENQUEUE)
    monkeypatch.setitem(app.conf, name="task_always_eager", value=True)
    with transaction.atomic():
        put(context, 3)
        assert vendor.requests == []

    assert [item["id"] for item in vendor.bodies()[0]] == ["k0", "k1", "k2"]
    assert waiting() == []


def test_channel_with_more_than_a_turn_takes_comes_again(
    install: Install, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[str]] = []
    monkeypatch.setattr("gridkit_django.tasks.outbox.send", lambda _task, args: told.append(args))
    monkeypatch.setattr("gridkit_django.tasks.outbox.TURN_SECONDS", -1.0)
    put(install(), 1)
    send_outbox("sender", "vendor")
    assert (told, waiting()) == ([["sender", "vendor"]], ["k0"])
    monkeypatch.setattr("gridkit_django.tasks.outbox.TURN_SECONDS", 30.0)
    send_outbox("sender", "vendor")
    send_outbox("nobody", "vendor")

    assert (len(told), len(vendor.requests)) == (1, 1)


def test_message_that_is_handed_back_too_often_becomes_a_dead_letter(install: Install, manager: PluginManager) -> None:
    context = install(judges=lambda _messages, _response: Verdict.delivered(again={0: 0}))
    put(context, 1)
    OutboxMessage.objects.update(attempts=TRIES_MAX - 2)
    send(manager)
    assert waiting() == ["k0"]
    OutboxMessage.objects.update(due_at=None)
    send(manager)

    letter = OutboxDeadLetter.objects.get()
    assert (waiting(), letter.attempts) == ([], TRIES_MAX)
    assert letter.reason == f"It was handed back {TRIES_MAX} times, the most that may."


def test_judge_of_ones_own_may_say_everything(install: Install, manager: PluginManager, vendor: Vendor) -> None:
    verdicts = [Verdict.later("busy", 90.0), Verdict.hold("no more"), Verdict.split("bad"), Verdict.halve("large")]
    context = install(judges=lambda _messages, _response: verdicts.pop(0) if verdicts else Verdict.delivered())
    put(context, 4)
    told = []
    for _ in range(3):
        send(manager)
        told.append(channel().state_reason)
        manager.resume_outbox_channel("sender", "vendor")

    assert told == ["busy", "no more", ""]
    assert [len(body) for body in vendor.bodies()] == [4, 4, 4, 2, 1, 1, 2]
    assert waiting() == []


@pytest.mark.parametrize(
    "payload",
    [["no object"], {"n": float("nan")}, {"n": object()}, {"t": "x" * 70_000}, "text"],
    ids=["list", "nan", "object", "long", "text"],
)
def test_payload_that_can_not_be_stored_is_refused_and_nothing_is_put(context: PluginContext, payload: Any) -> None:
    with pytest.raises(OutboxMessageError):
        context.outbox.put_many("vendor", [{"n": 1}, payload])
    assert waiting() == []


@pytest.mark.parametrize("key", ["", "x" * 101, "a\nb"])
def test_key_that_is_none_is_refused(context: PluginContext, key: str) -> None:
    with pytest.raises(OutboxMessageError, match="1 to 100 printable"):
        context.outbox.put("vendor", {}, key=key)


def test_keys_are_one_for_each_message(context: PluginContext) -> None:
    with pytest.raises(OutboxMessageError, match="2 messages and 1 keys"):
        context.outbox.put_many("vendor", [{}, {}], keys=["a"])
    with pytest.raises(OutboxMessageError, match="too many at once"):
        context.outbox.put_many("vendor", [{}] * 10_001)
    assert len(set(context.outbox.put_many("vendor", [{}, {}]))) == 2
    assert context.outbox.put_many("vendor", []) == []


@pytest.mark.parametrize(
    "wrong",
    [{"name": "Vendor"}, {"name": "x" * 65}, {"batch_max": 0}, {"bytes_max": 10**9}, {"max_messages": 0}],
    ids=str,
)
def test_channel_that_can_not_be_is_refused(context: PluginContext, wrong: dict[str, Any]) -> None:
    with pytest.raises(OutboxChannelError):
        context.outbox.open_channel(**{"name": "other", "prepare": print, **wrong})


def test_channels_are_opened_once_closed_and_limited(context: PluginContext) -> None:
    close = context.outbox.open_channel("other", prepare=print)  # type: ignore[arg-type]
    with pytest.raises(OutboxChannelError, match="already"):
        context.outbox.open_channel("other", prepare=print)  # type: ignore[arg-type]
    close()
    close()
    for number in range(CHANNELS_MAX - 2):
        context.outbox.open_channel(f"c{number}", prepare=print)  # type: ignore[arg-type]
    with pytest.raises(PluginLimitError, match="20 channels"):
        context.outbox.open_channel("other", prepare=print)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "soon", "-3", "Fri, 99 Nov 2026 08:00:00 GMT"])
def test_retry_after_that_says_nothing_is_no_time(text: str) -> None:
    assert retry_after(text) is None


def test_retry_after_is_a_day_at_most_and_never_in_the_past() -> None:
    assert retry_after("9999999") == 86_400
    assert retry_after("Fri, 27 Nov 2099 08:00:00 GMT") == 86_400
    assert retry_after("Fri, 27 Nov 2015 08:00:00 -0000") == 0


def test_response_is_read_as_text_and_json() -> None:
    response = OutgoingResponse(200, {}, b'{"a": "\xc3\xa9"}')
    assert (response.json(), response.text) == ({"a": "é"}, '{"a": "é"}')


def test_figures_are_kept_for_a_month(context: PluginContext, manager: PluginManager, vendor: Vendor) -> None:
    put(context, 1)
    send(manager)
    hour = OutboxHour.objects.get()
    OutboxHour.objects.create(
        plugin=hour.plugin, channel="vendor", hour=this_hour() - timedelta(hours=HOURS_KEPT + 1), delivered=1
    )
    manager.due_outbox_channels()

    assert OutboxHour.objects.get() == hour
