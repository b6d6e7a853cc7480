"""What each vendor gets, by the vendor's own rules, and what its answers do: nothing is lost, doubles have one id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from gridkit_django.events import NO_VISIT
from gridkit_django.models import ChannelState, OutboxDeadLetter
from gridkit_django.plugins import PluginManager
from tests.official.analytics.conftest import PLUGIN, again_now, channel_row, keys, tell
from tests.official.analytics.vendors.amplitude import Amplitude
from tests.official.analytics.vendors.ga import Ga
from tests.official.analytics.vendors.mixpanel import Mixpanel
from tests.official.analytics.vendors.posthog import PostHog
from tests.official.analytics.vendors.segment import Segment
from tests.official.analytics.vendors.server import Reply, Vendor
from tests.official.analytics.vendors.webhook import Webhook

pytestmark = pytest.mark.django_db

VENDORS = [Mixpanel, Amplitude, Ga, Segment, PostHog, Webhook]

Install = Callable[..., None]
Serve = Callable[[Vendor], Vendor]

EVERYTHING: list[tuple[str, Any]] = [
    ("row:select", {"rowId": "7"}),
    ("filter:apply", {"filter": {"col": "stock", "op": "gt", "value": 5}, "search": "x", "count": 3, "ms": 120}),
    ("sort:change", {"sort": [{"col": "name", "dir": "desc"}], "ms": 40}),
    ("page:change", {"window": {"kind": "offset", "start": 20, "end": 30}}),
    ("column:pin", {"column": "sku", "side": None}),
    ("cell:edit", {"rowId": "7", "column": "name", "old": "näme", "new": "né"}),
    ("row:create", {"rowId": "", "values": {"name": "secret", "stock": 2}}),
    ("view:save", {"viewId": "5", "name": "Mine", "scope": "private", "created": True}),
    ("export:request", {"jobId": "1", "format": "csv", "query": {"columns": ["sku"], "search": "a"}}),
    ("export:finish", {"jobId": "1", "format": "csv", "state": "finished", "rows": 2, "size": 64, "ms": 900}),
]


def name_of(vendor: type[Vendor]) -> str:
    return vendor.__name__.lower()


def send(manager: PluginManager, vendor: Vendor | type[Vendor]) -> None:
    name = name_of(vendor if isinstance(vendor, type) else type(vendor))
    while manager.send_outbox(PLUGIN, name, 30):
        pass


@pytest.fixture
def eva(db: None) -> User:
    return User.objects.create(username="eva")


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", VENDORS, ids=name_of)
def test_vendor_takes_every_event_that_is_tracked_once(
    kind: type[Vendor], install: Install, serve: Serve, manager: PluginManager, eva: User
) -> None:
    vendor = serve(kind())
    install(vendor)
    told = [tell(name, payload, user=eva).id for name, payload in EVERYTHING]
    told.append(tell("sort:change", {"sort": []}, visit=NO_VISIT).id)  # nobody knows who it was
    send(manager, kind)

    assert keys(name_of(kind)) == []
    assert vendor.doubles == []
    assert len(vendor.accepted) == len(told)
    if isinstance(vendor, Ga):
        assert vendor.violations == []
    else:
        assert list(vendor.accepted) == told
    assert not OutboxDeadLetter.objects.exists()
    everything = b"".join(request.body for request in vendor.requests).decode()
    assert not any(value in everything for value in ("näme", "n\\u00e4me", "secret", "Mine", "eva"))


@pytest.mark.parametrize("kind", VENDORS, ids=name_of)
def test_vendor_in_trouble_gets_the_same_later_and_doubles_only_by_their_id(
    kind: type[Vendor], install: Install, serve: Serve, manager: PluginManager
) -> None:
    vendor = serve(kind())
    install(vendor)
    told = [tell("row:select", {"rowId": str(number)}).id for number in range(3)]
    for fault in (Reply(429, {}, {"Retry-After": "120"}), Reply(503), Reply(0)):
        vendor.faults.append(fault)
        send(manager, kind)
        row = channel_row(name_of(kind))
        assert (keys(name_of(kind)), row.state) == (told, ChannelState.WAITING)
        wait = row.next_try_at - timezone.now()
        assert timedelta() < wait < timedelta(seconds=140)
        assert fault.status != 429 or wait > timedelta(seconds=110)
        again_now(name_of(kind))
    vendor.lost_answers = int(kind is not Ga)  # Google knows no deduplication id
    send(manager, kind)
    again_now(name_of(kind))
    send(manager, kind)

    assert len(vendor.accepted) == 3
    assert vendor.doubles == ([] if kind is Ga else told)
    assert keys(name_of(kind)) == []


def test_vendor_that_does_not_answer_in_time_is_tried_later(
    install: Install, serve: Serve, manager: PluginManager
) -> None:
    vendor = serve(Segment())
    install(vendor)
    vendor.faults.append(Reply(200, waits=60))
    tell("row:select", {"rowId": "1"})
    send(manager, Segment)

    assert channel_row("segment").state == ChannelState.WAITING
    again_now("segment")
    send(manager, Segment)
    assert len(vendor.accepted) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [Mixpanel, Amplitude, Segment, PostHog, Webhook], ids=name_of)
def test_wrong_key_holds_the_channel_and_loses_nothing(
    kind: type[Vendor], install: Install, serve: Serve, manager: PluginManager
) -> None:
    vendor = serve(kind())
    wrong = {name_of(kind): {**vendor.configured()[name_of(kind)], "api_key": "another-key"}}
    install(vendor, **wrong)
    told = tell("row:select", {"rowId": "1"}).id
    send(manager, kind)

    assert channel_row(name_of(kind)).state == ChannelState.HELD
    assert keys(name_of(kind)) == [told]
    assert "another-key" not in channel_row(name_of(kind)).state_reason
    manager.configure_plugin(PLUGIN, vendor.configured())
    again_now(name_of(kind))
    send(manager, kind)
    assert list(vendor.accepted) == [told]


@pytest.mark.parametrize("kind", [Mixpanel, Amplitude, Segment, PostHog], ids=name_of)
def test_event_that_the_vendor_refuses_is_a_dead_letter_and_the_others_arrive(
    kind: type[Vendor], install: Install, serve: Serve, manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = serve(kind())
    wrong = {"row:delete": {"name": "N" * 100}}
    install(vendor, custom_events=wrong, sample=1)
    told = [tell("row:select", {"rowId": "1"}).id, tell("row:delete", {"rowId": "2", "values": {}}).id]
    told.append(tell("row:select", {"rowId": "3"}).id)
    spoil(monkeypatch, kind, told[1])
    send(manager, kind)

    assert list(vendor.accepted) == [told[0], told[2]]
    assert [letter.key for letter in OutboxDeadLetter.objects.all()] == [told[1]]
    assert keys(name_of(kind)) == []
    assert vendor.doubles == []


def spoil(monkeypatch: pytest.MonkeyPatch, kind: type[Vendor], key: str) -> None:
    """Let one event be built so that the vendor refuses it."""
    module = f"gridkit_plugins.analytics.providers.{name_of(kind)}"
    build = __import__(module, fromlist=["_event"])._event
    wrong = {
        Mixpanel: lambda made: made["properties"].update(distinct_id="anonymous"),
        Amplitude: lambda made: made.update(time="yesterday"),
        Segment: lambda made: made.update(userId="", anonymousId=""),
        PostHog: lambda made: made.update(distinct_id=""),
    }[kind]

    def spoilt(event: Any) -> Any:
        made = build(event)
        if event.id == key:
            wrong(made)
        return made

    monkeypatch.setattr(f"{module}._event", spoilt)


def test_amplitude_puts_off_a_busy_user_and_buries_one_over_the_quota(
    install: Install, serve: Serve, manager: PluginManager, eva: User
) -> None:
    vendor = serve(Amplitude())
    assert isinstance(vendor, Amplitude)
    bob, kim = User.objects.create(username="bob"), User.objects.create(username="kim")
    vendor.events_per_user = 2
    vendor.over_quota = frozenset({str(kim.pk)})
    install(vendor, identity="plain")
    busy = [tell("row:select", {"rowId": str(number)}, user=eva).id for number in range(3)]
    calm, spent = tell("row:select", {"rowId": "1"}, user=bob).id, tell("row:select", {"rowId": "1"}, user=kim).id
    send(manager, Amplitude)

    assert list(vendor.accepted) == [calm]
    assert keys("amplitude") == busy
    assert [letter.key for letter in OutboxDeadLetter.objects.all()] == [spent]
    vendor.events_per_user = 100
    again_now("amplitude")
    send(manager, Amplitude)
    assert list(vendor.accepted) == [calm, *busy]


def test_google_gets_one_client_a_request_and_at_most_25_events(
    install: Install, serve: Serve, manager: PluginManager, eva: User
) -> None:
    vendor = serve(Ga())
    bob = User.objects.create(username="bob")
    install(vendor)
    for number in range(20):
        tell("row:select", {"rowId": str(number)}, user=eva)
        tell("row:select", {"rowId": str(number)}, user=bob, visit=NO_VISIT)
    send(manager, Ga)

    assert isinstance(vendor, Ga)
    assert vendor.violations == []
    assert len(vendor.accepted) == 40
    assert all(len(request.json()["events"]) <= 25 for request in vendor.requests)


def test_posthog_over_its_quota_waits_although_it_says_ok(
    install: Install, serve: Serve, manager: PluginManager
) -> None:
    vendor = serve(PostHog())
    assert isinstance(vendor, PostHog)
    vendor.is_over_quota = True
    install(vendor)
    told = tell("row:select", {"rowId": "1"}).id
    send(manager, PostHog)

    assert keys("posthog") == [told]
    assert channel_row("posthog").next_try_at - timezone.now() > timedelta(minutes=50)


@pytest.mark.django_db(transaction=True)
def test_messages_wait_until_the_host_is_granted(serve: Serve, manager: PluginManager) -> None:
    vendor = serve(Segment())
    manager.install_plugin(PLUGIN, config=vendor.configured())
    told = tell("row:select", {"rowId": "1"}).id
    send(manager, Segment)

    assert vendor.requests == []
    assert keys("segment") == [told]
    assert f"network:{vendor.host}" in manager.check_plugin_health(PLUGIN).message
    manager.grant_permission(PLUGIN, f"network:{vendor.host}")
    again_now("segment")
    send(manager, Segment)
    assert list(vendor.accepted) == [told]


@pytest.mark.both_databases
def test_event_of_a_transaction_that_is_rolled_back_is_not_told(install: Install, serve: Serve) -> None:
    install(serve(Segment()))
    with transaction.atomic():
        tell("row:select", {"rowId": "1"})
        transaction.set_rollback(True)

    assert keys("segment") == keys("counts") == []


def test_several_vendors_are_told_with_the_same_id(install: Install, serve: Serve, manager: PluginManager) -> None:
    segment, posthog = serve(Segment()), serve(PostHog())
    install(segment, provider=["segment", "posthog"], posthog={"host": posthog.url})
    manager.grant_permission(PLUGIN, f"network:{posthog.host}")
    told = tell("row:select", {"rowId": "1"}).id
    send(manager, Segment)
    send(manager, PostHog)

    assert list(segment.accepted) == list(posthog.accepted) == [told]
