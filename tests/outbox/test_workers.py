"""One worker at a time sends for a channel; one that dies or is slow loses and doubles nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from gridkit_django.exceptions import OutboxChannelError
from gridkit_django.models import ChannelState, InstalledPlugin, OutboxChannel, OutboxMessage
from gridkit_django.outbox import Place, send_waiting
from gridkit_django.outbox.putting import NewMessage, store
from gridkit_django.plugins import OutgoingMessage, PluginContext, PluginManager, Verdict
from tests.outbox.conftest import LOCAL, channel
from tests.outbox.plain_carrier import PlainCarrier
from tests.outbox.test_sending import put, send, waiting
from tests.outbox.vendor import Reply, Vendor
from tests.servers.processes import ROOT, unmeasured_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

Install = Callable[..., PluginContext]


def lose_lease() -> None:
    OutboxChannel.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


def test_channel_that_a_worker_has_is_left_to_it(install: Install, manager: PluginManager, vendor: Vendor) -> None:
    seen = []

    def judge(_messages: object, _response: object) -> Verdict:
        seen.append(manager.send_outbox("sender", "vendor", 30))
        return Verdict.delivered()

    put(install(judges=judge), 2)
    send(manager)

    assert (seen, len(vendor.requests), waiting()) == ([False], 1, [])


def test_worker_that_was_too_slow_writes_nothing_after_another_has_taken_over(
    install: Install, manager: PluginManager, vendor: Vendor
) -> None:
    calls = iter([lose_lease, lambda: None])

    def judge(_messages: tuple[OutgoingMessage, ...], _response: object) -> Verdict:
        again = next(calls)
        again()
        if again is lose_lease:
            send(manager)
        return Verdict.delivered()

    put(install(judges=judge), 2)
    send(manager)

    assert [[item["id"] for item in body] for body in vendor.bodies()] == [["k0", "k1"]] * 2
    row = channel()
    assert (row.delivered, row.fence, row.leased_until, waiting()) == (2, 2, None, [])


def test_workers_that_die_one_after_the_other_hold_the_channel(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    put(context, 1)
    manager.runtime.housekeeping()
    lose_lease()
    OutboxChannel.objects.update(deaths=2)
    send(manager)

    assert (channel().state, channel().state_code) == (ChannelState.HELD, "workers-lost")
    assert vendor.requests == []
    manager.resume_outbox_channel("sender", "vendor")
    send(manager)
    assert (waiting(), channel().deaths) == ([], 0)


def test_lease_of_a_clock_that_went_back_holds_nobody_up(
    context: PluginContext, manager: PluginManager, vendor: Vendor
) -> None:
    put(context, 1)
    manager.runtime.housekeeping()
    OutboxChannel.objects.update(leased_until=timezone.now() + timedelta(days=3))
    send(manager)

    assert waiting() == []


def test_plugin_code_that_exits_or_answers_nonsense_loses_nothing(
    install: Install, manager: PluginManager, vendor: Vendor
) -> None:
    answers: list[Any] = ["nonsense", Verdict.delivered(again={7: 1}), ZeroDivisionError("by key-of-the-vendor")]

    def judge(_messages: object, _response: object) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    put(install(judges=judge), 2)
    told = []
    for _ in range(3):
        send(manager)
        told.append(channel().state_reason)
        OutboxChannel.objects.update(next_try_at=None)

    assert told == [
        "judge raised PluginError.",
        "judge named the message 7 of a batch of 2.",
        "judge raised ZeroDivisionError.",
    ]
    assert channel().state_response == "by ********"
    assert waiting() == ["k0", "k1"]


@pytest.mark.parametrize(
    "request_of",
    [
        ("POST", "ftp://vendor.example/"),
        ("POST", "https://user:pass@vendor.example/"),
        ("POST", "https://vendor.example/a b"),
        ("BREW", "https://vendor.example/"),
    ],
)
def test_request_that_can_not_be_sent_holds_the_channel(
    install: Install, manager: PluginManager, request_of: tuple[str, str]
) -> None:
    from gridkit_django.plugins import OutgoingRequest  # noqa: PLC0415

    put(install(prepares=lambda _messages: OutgoingRequest(*request_of, {}, b"")), 1)
    send(manager)

    assert channel().state == ChannelState.HELD
    assert channel().state_code in ("network-address-refused", "outbox-request-invalid")
    assert waiting() == ["k0"]


def test_put_is_one_statement_and_talks_to_nobody(
    context: PluginContext, woken: list[Any], monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    put(context, 1)
    monkeypatch.setattr(socket.socket, "connect", lambda *_args: pytest.fail("somebody was called"))
    with transaction.atomic(), django_assert_num_queries(1):
        put(context, 10)

    assert OutboxMessage.objects.count() == 11
    assert len(woken) == 1
    put(context, 1, "counts")  # looks how full the channel is
    with transaction.atomic(), django_assert_num_queries(1):
        context.outbox.put_all({"vendor": {"a": {"n": 1}, "b": {"n": 2}}, "counts": {"a": {"n": 1}}})
    assert waiting()[-3:] == ["a", "b", "a"]
    with transaction.atomic(), django_assert_num_queries(0), pytest.raises(OutboxChannelError, match="no channel 'x'"):
        context.outbox.put_all({"vendor": {"c": {}}, "x": {"c": {}}})
    with transaction.atomic(), django_assert_num_queries(0):
        context.outbox.put_all({})


def test_queue_that_is_away_costs_a_put_nothing_but_one_try(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def away(_self: object, *args: Any) -> None:
        tries.append(args)
        raise ConnectionError

    context = install()
    monkeypatch.setattr("gridkit_django.tasks.queue.CeleryQueue.enqueue_outbox", away)
    put(context, 1)
    put(context, 1)

    assert (len(tries), waiting()) == (1, ["k0", "k0"])


@pytest.mark.postgres_only
def test_worker_that_is_killed_in_mid_batch_loses_nothing_and_doubles_only_what_its_key_folds(vendor: Vendor) -> None:
    plugin = InstalledPlugin.objects.create(plugin_id="killed", source="object", source_ref="-")
    place = Place(plugin.pk, "vendor")
    keys = [f"k{number}" for number in range(20)]
    store([(place, NewMessage(key, "{}")) for key in keys])
    database = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    env = {
        **unmeasured_environment(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "KILLED_DATABASE": json.dumps(database),
        "KILLED_GRIDKIT": json.dumps(LOCAL),
    }
    command = [sys.executable, "-m", "tests.outbox.killed_sender", vendor.url, str(plugin.pk), "5"]
    with subprocess.Popen(command, cwd=ROOT, env=env) as worker:

        def judge(_body: Any) -> Reply:
            if len(vendor.requests) == 3:
                os.kill(worker.pid, signal.SIGKILL)
            return Reply()

        vendor.judge = judge
        assert worker.wait(120) == -signal.SIGKILL
    vendor.judge = None
    assert waiting() == keys[10:]
    assert send_waiting(place, PlainCarrier(vendor.url, 5), 30) is None
    lose_lease()
    send_waiting(place, PlainCarrier(vendor.url, 5), 30)

    came = Counter(key for body in vendor.bodies() for key in body)
    assert (sorted(came), waiting()) == (sorted(keys), [])
    assert [key for key, times in came.items() if times > 1] == keys[10:15]
    assert OutboxChannel.objects.get().delivered == 20
