"""Messages leave in order and at least once; what each answer of the other side does to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from gridkit_django.models import ChannelState, OutboxDeadLetter, OutboxHour, OutboxMessage, PluginPermissionGrant
from gridkit_django.outbox.sending import DEAD_IN_ROW_MAX
from gridkit_django.plugins import OutgoingMessage, OutgoingRequest, PluginContext, PluginManager, Verdict
from tests.outbox.conftest import channel
from tests.outbox.vendor import Reply, Vendor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

Install = Callable[..., PluginContext]


def put(context: PluginContext, number: int, name: str = "vendor") -> list[str]:
    return context.outbox.put_many(name, [{"n": n} for n in range(number)], keys=[f"k{n}" for n in range(number)])


def send(manager: PluginManager, name: str = "vendor") -> bool:
    return manager.send_outbox("sender", name, 30)


def waiting() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("key", flat=True))


def again_now() -> None:
    channel().__class__.objects.update(next_try_at=None)
    OutboxMessage.objects.update(due_at=None)


def test_messages_go_in_one_request_with_keys_and_secret_and_are_gone(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    put(context, 3)
    send(manager)

    (path, headers, _), (body,) = vendor.requests[0], vendor.bodies()
    assert (path, headers["Authorization"], headers["Host"]) == ("/track", "Bearer key-of-the-vendor", vendor.host)
    assert body == [{"id": "k0", "n": 0}, {"id": "k1", "n": 1}, {"id": "k2", "n": 2}]
    assert waiting() == []
    row = channel()
    assert (row.state, row.delivered, row.leased_until) == (ChannelState.READY, 3, None)
    assert OutboxHour.objects.get().delivered == 3


def test_message_of_a_transaction_that_is_rolled_back_was_never_there(
    context: PluginContext, manager: PluginManager, vendor: Vendor, woken: list[Any]
) -> None:
    with transaction.atomic():
        put(context, 2)
        transaction.set_rollback(True)
    send(manager)

    assert vendor.requests == []
    assert woken == []


def test_worker_is_woken_once_for_all_that_is_put_at_about_the_same_time(
    context: PluginContext, woken: list[Any]
) -> None:
    with transaction.atomic():
        put(context, 2)
        put(context, 2)
        assert woken == []
    put(context, 1)

    assert woken == [("sender", "vendor")]


def test_batches_keep_to_their_number_and_their_bytes_in_order(
    install: Install, manager: PluginManager, vendor: Vendor
) -> None:
    context = install(options={"batch_max": 3, "bytes_max": 100})
    put(context, 4)
    context.outbox.put("vendor", {"text": "x" * 80}, key="large")
    context.outbox.put("vendor", {"text": "x" * 200}, key="larger")
    send(manager)

    assert [[item["id"] for item in body] for body in vendor.bodies()] == [
        ["k0", "k1", "k2"], ["k3", "large"], ["larger"],
    ]  # fmt: skip


@pytest.mark.parametrize("reply", [Reply(500), Reply(429), Reply(408), Reply(0)])
def test_what_fails_for_now_is_tried_again_later_and_nothing_is_lost(
    context: PluginContext, manager: PluginManager, vendor: Vendor, reply: Reply
) -> None:
    vendor.replies.append(reply)
    put(context, 2)
    send(manager)

    row = channel()
    assert (row.state, row.failures, row.leased_until) == (ChannelState.WAITING, 1, None)
    assert row.next_try_at is not None
    assert row.next_try_at > timezone.now()
    send(manager)
    assert len(vendor.requests) == 1
    again_now()
    send(manager)
    assert [len(body) for body in vendor.bodies()] == [2, 2]
    assert (channel().state, channel().failures, waiting()) == (ChannelState.READY, 0, [])


@pytest.mark.parametrize(
    ("form", "least"),
    [("seconds", 119), ("date", 500)],
)
def test_retry_after_is_honoured_as_seconds_and_as_a_date(
    context: PluginContext, manager: PluginManager, vendor: Vendor, form: str, least: int
) -> None:
    moment = timezone.now() + timedelta(seconds=900)
    told = "120" if form == "seconds" else moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    vendor.replies.append(Reply(503, headers={"Retry-After": told}))
    put(context, 1)
    send(manager)

    assert channel().next_try_at is not None
    assert (channel().next_try_at - timezone.now()).total_seconds() > least


def test_failures_in_a_row_wait_longer_and_longer(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    vendor.judge = lambda _body: Reply(500)
    put(context, 1)
    pauses = []
    for _ in range(6):
        send(manager)
        row = channel()
        assert row.next_try_at is not None
        pauses.append((row.next_try_at - timezone.now()).total_seconds())
        again_now()

    assert pauses[5] > pauses[0]
    assert channel().failures == 6
    assert 31 < pauses[5] <= 64


@pytest.mark.parametrize("status", [401, 403, 302])
def test_refused_credentials_and_redirects_hold_the_channel_until_the_plugin_is_changed(
    context: PluginContext, manager: PluginManager, vendor: Vendor, status: int
) -> None:
    vendor.replies.append(Reply(status, b"no entry for key-of-the-vendor", {"Location": "/elsewhere"}))
    put(context, 2)
    send(manager)

    row = channel()
    assert (row.state, row.state_code) == (ChannelState.HELD, "refused")
    assert f"answered {status}" in row.state_reason
    assert "no entry" in row.state_response
    assert "key-of-the-vendor" not in row.state_response + row.state_reason
    send(manager)
    assert len(vendor.requests) == 1
    manager.configure_plugin("sender", {"url": f"{vendor.url}/track", "api_key": "another"})
    send(manager)
    assert len(vendor.requests) == 2
    assert (channel().state, waiting()) == (ChannelState.READY, [])


def test_batch_that_is_too_large_is_halved_at_once_and_grows_again(
    install: Install, manager: PluginManager, vendor: Vendor
) -> None:
    context = install(options={"batch_max": 8})
    vendor.judge = lambda body: Reply(413 if len(body) > 3 else 200)
    put(context, 8)
    send(manager)

    assert [len(body) for body in vendor.bodies()] == [8, 4, 2, 2, 4, 2, 2]
    assert waiting() == []
    assert channel().batch_now == 8


def test_bad_message_is_found_and_becomes_a_dead_letter_and_the_others_arrive(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    def judge(body: Any) -> Reply:
        bad = any(item["n"] == 5 for item in body)
        return Reply(400, b"bad n, said key-of-the-vendor") if bad else Reply()

    vendor.judge = judge
    put(context, 9)
    send(manager)

    letter = OutboxDeadLetter.objects.get()
    assert (letter.key, letter.payload, letter.status) == ("k5", '{"n":5}', 400)
    assert "answered 400" in letter.reason
    assert "bad n" in letter.response
    assert "key-of-the-vendor" not in letter.response + letter.reason
    assert waiting() == []
    assert (channel().delivered, channel().dead) == (8, 1)


def test_fault_of_everything_holds_the_channel_before_the_backlog_is_dead(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    vendor.judge = lambda _body: Reply(404)
    put(context, 100)
    send(manager)

    assert OutboxDeadLetter.objects.count() == DEAD_IN_ROW_MAX
    assert (channel().state, channel().state_code) == (ChannelState.HELD, "dead-in-row")
    assert len(waiting()) == 100 - DEAD_IN_ROW_MAX


def test_judge_tells_single_messages_apart(install: Install, manager: PluginManager, vendor: Vendor) -> None:
    first = iter([True])

    def judge(messages: tuple[OutgoingMessage, ...], _response: object) -> Verdict:
        if next(first, False):
            return Verdict.delivered(again={1: 60.0}, refused={2: "no such event"})
        return Verdict.delivered()

    context = install(judges=judge)
    put(context, 4)
    send(manager)

    assert waiting() == ["k1"]
    assert OutboxDeadLetter.objects.get().reason == "no such event"
    item = OutboxMessage.objects.get()
    assert (item.attempts, channel().again) == (1, 1)
    send(manager)
    assert len(vendor.requests) == 1
    again_now()
    send(manager)
    assert waiting() == []


def test_what_a_request_did_not_carry_goes_with_the_next_one(
    install: Install, manager: PluginManager, vendor: Vendor
) -> None:
    context = install(
        prepares=lambda messages: OutgoingRequest("POST", f"{vendor.url}/track", {}, [messages[0].key]),
        judges=lambda messages, _response: Verdict.delivered(left=range(1, len(messages))),
    )
    put(context, 3)
    send(manager)

    assert vendor.bodies() == [["k0"], ["k1"], ["k2"]]
    assert waiting() == []
    assert channel().delivered == 3


def test_judge_that_leaves_everything_does_not_make_the_worker_run_forever(
    install: Install, manager: PluginManager, vendor: Vendor
) -> None:
    put(install(judges=lambda messages, _response: Verdict.delivered(left=range(len(messages)))), 2)
    send(manager)

    assert len(vendor.requests) == 1
    assert (channel().state, waiting()) == (ChannelState.WAITING, ["k0", "k1"])


def test_host_that_was_not_granted_holds_the_channel_and_asks_for_it_once(
    install: Install, manager: PluginManager, vendor: Vendor
) -> None:
    context = install(granted=False)
    put(context, 1)
    send(manager)

    assert vendor.requests == []
    row = channel()
    assert (row.state, row.state_code) == (ChannelState.HELD, "network-not-granted")
    assert f"network:{vendor.host}" in row.state_reason
    grant = PluginPermissionGrant.objects.get(permission=f"network:{vendor.host}")
    assert grant.decision == "requested"
    manager.grant_permission("sender", f"network:{vendor.host}")
    send(manager)
    assert (len(vendor.requests), waiting()) == (1, [])


def test_prepare_that_raises_for_one_message_makes_a_dead_letter_of_it(
    install: Install, manager: PluginManager, vendor: Vendor
) -> None:
    def prepare(messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        if any(message.payload["n"] == 1 for message in messages):
            raise KeyError("no name, key-of-the-vendor")
        return OutgoingRequest("post", f"{vendor.url}/", {}, [message.key for message in messages])

    context = install(prepares=prepare)
    put(context, 4)
    send(manager)

    letter = OutboxDeadLetter.objects.get()
    assert (letter.key, letter.status) == ("k1", None)
    assert letter.reason == "prepare raised KeyError."
    assert "no name" in letter.response
    assert "key-of-the-vendor" not in letter.response
    assert vendor.bodies() == [["k0"], ["k2", "k3"]]


def test_local_channel_takes_messages_and_writes_together_exactly_once(
    install: Install, manager: PluginManager
) -> None:
    broken = [True]

    def deliver(messages: tuple[OutgoingMessage, ...]) -> None:
        if broken and any(message.key == "k2" for message in messages):
            raise ValueError("not this one")

    context = install(delivers=deliver)
    put(context, 4, "counts")
    send(manager, "counts")

    assert context.storage.get("count") == 3
    assert OutboxDeadLetter.objects.get().key == "k2"
    assert waiting() == []


def test_payload_and_key_arrive_letter_by_letter(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    odd = {"t": "\x00 \ud800 \\ \" ' {}, é 💥 %s", "n": [1.5, None, True, {"": {}}], "big": 10**30}
    context.outbox.put_many("vendor", [odd, {"n": 1}], keys=['it\'s "{k}", %s\\', "second"])
    send(manager)

    assert vendor.bodies() == [[{"id": 'it\'s "{k}", %s\\', **odd}, {"id": "second", "n": 1}]]
