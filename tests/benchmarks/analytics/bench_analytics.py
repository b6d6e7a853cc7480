"""What 10 tracked events add to a request of the browser, beside the vendors' own SDKs; and how many pass in a second.

The vendor is a server in this process that answers at once, and in the second table one that takes 50 ms. The SDKs are
called by a signal receiver, in the request and through their background thread, on a grid that the plugin leaves alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client, override_settings

from example_project.flights.models import Flight
from gridkit_django.events import Actor, EventSource, GridEvent, acting, event_bus, make_event, signal_for
from gridkit_django.grids import Grid, grid_registry
from gridkit_django.models import OutboxMessage
from gridkit_django.plugins import plugin_manager
from tests.benchmarks.analytics.peers import Track, sdk_peers
from tests.benchmarks.database import server_version
from tests.benchmarks.harness import Variant, compare, table
from tests.official.analytics.vendors.segment import Segment
from tests.official.analytics.vendors.server import KEY, Reply, Request, serving

PLUGIN = "@gridkit/plugin-analytics"
EVENTS = 10
STREAM = 5000
BODY = {"events": [{"type": "sort:change", "payload": {"sort": [{"col": "dest", "dir": "asc"}], "ms": 40}}] * EVENTS}


class BareGrid(Grid):
    """Not looked at."""

    class Meta:
        model = Flight
        id = "bench-bare"
        columns = ["carrier", "origin", "dest"]
        plugins = {PLUGIN: False}


class CountedGrid(Grid):
    """Counted by the site."""

    class Meta:
        model = Flight
        id = "bench-counted"
        columns = ["carrier", "origin", "dest"]


class ToldGrid(Grid):
    """Told to Segment, and counted."""

    class Meta:
        model = Flight
        id = "bench-told"
        columns = ["carrier", "origin", "dest"]
        plugins = {PLUGIN: {"provider": "segment"}}


GRIDS = (BareGrid, CountedGrid, ToldGrid)


class Slow(Segment):
    """Takes what comes, after a while."""

    waits = 0.0

    def answer(self, request: Request) -> Reply:
        return Reply(200, {"success": True, "status": 1}, waits=self.waits)


def run() -> Iterator[str]:
    """Compare processor time, then wall time with a vendor that takes 50 ms; then let 5,000 events pass."""
    vendor = Slow()
    with serving(vendor), _at_work(vendor):
        yield _requests(vendor, "processor time of the request's thread", time.thread_time, 20)
        vendor.waits = 0.05
        yield _requests(vendor, "wall time", time.perf_counter, 6)
        vendor.waits = 0.0
        yield _stream()


def _requests(vendor: Slow, what: str, clock: Callable[[], float], rounds: int) -> str:
    client = _client()
    variants: dict[str, Variant] = {
        "no analytics": partial(_post, client, BareGrid),
        "plugin, counts of the site": partial(_post, client, CountedGrid),
        "plugin, counts and Segment": partial(_post, client, ToldGrid),
    }
    with sdk_peers(vendor.url, KEY) as peers:
        variants |= {name: partial(_post_with, client, track) for name, track in peers.items()}
        measured = compare(variants, rounds=rounds, clock=clock)
    OutboxMessage.objects.all().delete()
    added = {entry.name: f"{(entry.median - measured[0].median) * 1e3:.1f} ms added" for entry in measured[1:]}
    conditions = {"database": server_version(), "vendor answers after": f"{vendor.waits * 1000:.0f} ms", **added}
    return table(f"Request that reports {EVENTS} events, {what}", measured, conditions=conditions)


def _post(client: Client, grid: type[Grid]) -> None:
    address = f"/gridkit/api/grids/{grid.options.id}/events/"
    answer = client.post(address, BODY, content_type="application/json")
    if not all(item["accepted"] for item in answer.json()["results"]):
        raise RuntimeError(answer.content)


def _post_with(client: Client, track: Track) -> None:
    def hear(event: GridEvent, **_kwargs: Any) -> None:
        track(event.actor.id, "Table Sort Changed", {"grid": event.grid, "columns": ["dest"]})

    signal = signal_for("sort:change")
    signal.connect(hear, sender=BareGrid)
    try:
        _post(client, BareGrid)
    finally:
        signal.disconnect(hear, sender=BareGrid)


def _stream() -> str:
    """Return how many events pass in a second, each in a transaction of its own, to the outbox and out of it."""
    person = Actor.from_user(get_user_model()._default_manager.get(username="bench"))
    with acting(person, EventSource.BROWSER):
        seconds = {"into the outbox, for Segment and the counts": _timed(_tell)}
    for channel in ("segment", "counts"):
        seconds[f"out of it, {channel}"] = _timed(partial(_send, channel))
    lines = [f"{name:<44}{STREAM / spent:>9,.0f} events/s" for name, spent in seconds.items()]
    title = f"{STREAM:,} events, one process"
    return "\n".join([title, "-" * len(title), *lines, f"  database: {server_version()}"])


def _tell() -> None:
    for _ in range(STREAM):
        with transaction.atomic():
            event = make_event("sort:change", {"sort": [{"col": "dest", "dir": "asc"}], "ms": 40}, grid="bench-told")
            event_bus().emit(event, sender=ToldGrid)


def _send(channel: str) -> None:
    while plugin_manager().send_outbox(PLUGIN, channel, 60):
        pass
    if OutboxMessage.objects.filter(channel=channel).exists():
        raise RuntimeError(f"messages are left in {channel}")


def _timed(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _client() -> Client:
    person, _ = get_user_model()._default_manager.get_or_create(username="bench", is_superuser=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    return client


@contextmanager
def _at_work(vendor: Slow) -> Iterator[None]:
    """Let the plugin work for the length of the block, with no broker: what wakes a worker is measured elsewhere."""
    local = {"OUTBOX_ALLOW_CLEAR": True, "OUTBOX_ALLOW_PRIVATE": True, "EVENTS_MAX": 500}
    manager = plugin_manager()
    for grid in GRIDS:
        grid_registry().register(grid)
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, **local}):
        manager.install_plugin(PLUGIN, config={"api_key": KEY, "segment": {"host": vendor.url}})
        manager.grant_permission(PLUGIN, f"network:{vendor.host}")
        try:
            yield
        finally:
            manager.uninstall_plugin(PLUGIN)
            for grid in GRIDS:
                grid_registry().unregister(grid.options.id)
