"""What the outbox costs a request, beside a bare INSERT of the same bytes; how many messages go in and out a second."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any
from unittest import mock

from django.conf import settings as django_settings
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from pydantic import BaseModel

from gridkit_django.models import OutboxMessage
from gridkit_django.network import Rules, read_address, send_request
from gridkit_django.plugins import OutgoingRequest, Plugin, PluginContext, PluginMetadata, plugin_manager
from tests.benchmarks.analytics.sink import sink
from tests.benchmarks.database import server_version
from tests.benchmarks.harness import Variant, compare, table

REQUESTS = 100
PUT = 10
MESSAGES = 20_000
ROUNDS = 5
_BARE = "INSERT INTO bench_outbox (plugin_id, channel, key, payload, size, put_at, attempts) VALUES "


class Sender(Plugin):
    """Sends to the server of the benchmark, and counts."""

    metadata = PluginMetadata.model_validate(
        {
            "id": "bench-sender", "name": "Bench", "version": "1", "author": "Bench", "description": "Sends.",
            "category": "utility", "license": "MIT", "core_version": "*", "required_permissions": ["storage:use"],
        }
    )  # fmt: skip

    class Config(BaseModel):
        """Where to."""

        url: str = ""

    def initialize(self, context: PluginContext) -> None:
        """Open a channel of each kind, large enough for the benchmark."""
        context.outbox.open_channel("out", prepare=self.prepare, batch_max=2000, max_messages=10_000_000)
        context.outbox.open_local_channel("counts", deliver=self.count, batch_max=5000, max_messages=10_000_000)

    def prepare(self, messages: Any) -> OutgoingRequest:
        """Make one request of a batch."""
        body = [{"id": message.key, **message.payload} for message in messages]
        return OutgoingRequest("POST", self.context.config.url, {}, body)

    def count(self, messages: Any) -> None:
        """Count in the plugin's storage."""
        storage = self.context.storage
        storage.set("count", int(str(storage.get("count", 0))) + len(messages))


def event(number: int) -> dict[str, Any]:
    """Return an event as an analytics plugin makes it, of about 200 bytes."""
    properties = {"grid": "flights", "column": "dep_delay", "direction": "desc", "rows": 336_776, "ms": number % 900}
    who = {"distinct_id": "9f86d081884c7d65", "session": "0b3c2f4e"}
    return {"event": "Table Sort Applied", "time": 1_795_766_400 + number, "properties": properties, **who}


def run() -> Iterator[str]:
    """Measure a request's share, then both rates."""
    with _site() as (context, url):
        yield _requests(context, url)
        yield _rates(context)


@contextmanager
def _site() -> Iterator[tuple[PluginContext, str]]:
    """Run the plugin and its server; tasks go nowhere, since the broker is no part of this."""
    allowed = {**django_settings.GRIDKIT, "OUTBOX_ALLOW_CLEAR": True, "OUTBOX_ALLOW_PRIVATE": True}
    quiet = mock.patch("gridkit_django.tasks.queue.CeleryQueue.enqueue_outbox")
    with sink() as url, override_settings(GRIDKIT=allowed), quiet:
        manager = plugin_manager()
        manager.install_plugin(Sender, config={"url": url}, grants=["storage:use"])
        manager.grant_permission("bench-sender", f"network:{read_address(url, allow_clear=True).authority}")
        plugin: Any = manager.runtime.live["bench-sender"].plugin
        try:
            yield plugin.context, url
        finally:
            manager.uninstall_plugin("bench-sender")


def _requests(context: PluginContext, url: str) -> str:
    """Compare what one act with ten messages pays."""
    events = [event(number) for number in range(PUT)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_outbox (LIKE gridkit_django_outboxmessage INCLUDING ALL)")
    address, rules = read_address(url, allow_clear=True), Rules(allow_private=True)
    body = json.dumps(events).encode()

    def bare() -> None:
        now = timezone.now()
        rows = [(1, "out", str(uuid.uuid4()), text, len(text), now, 0) for text in map(json.dumps, events)]
        with connection.cursor() as cursor:
            cursor.execute(
                _BARE + ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * PUT), [value for row in rows for value in row]
            )

    variants: dict[str, Variant] = {
        "one INSERT of the same bytes": _repeated(bare),
        "put_many of 10": _repeated(lambda: context.outbox.put_many("out", events)),
        "10 puts": _repeated(lambda: [context.outbox.put("out", item) for item in events]),
        "one POST instead, to this machine": _repeated(lambda: send_request(address, "POST", {}, body, rules)),
        "nothing": _repeated(lambda: None),
    }
    measured = compare(variants, rounds=15)
    idle = measured[-1].median
    added = {entry.name: f"{(entry.median - idle) / REQUESTS * 1e6:.0f} µs" for entry in measured[:-1]}
    conditions = {"transactions in a run": REQUESTS, "database": server_version(), "added to each": added}
    return table("One act that tells of ten things", measured, conditions=conditions)


def _repeated(act: Callable[[], object]) -> Variant:
    """Do it in transactions of their own that touch the database otherwise, too, like acts that tell of something."""

    def repeat() -> None:
        for _ in range(REQUESTS):
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                act()

    return repeat


def _rates(context: PluginContext) -> str:
    """Return how many messages go in and out a second."""
    manager = plugin_manager()
    OutboxMessage.objects.all().delete()

    def fill(channel: str, size: int) -> None:
        for start in range(0, MESSAGES, size):
            with transaction.atomic():
                context.outbox.put_many(channel, [event(number) for number in range(start, start + size)])

    rates = {
        "in, 10 in each transaction": _rate(lambda: fill("out", 10), lambda: OutboxMessage.objects.all().delete()),
        "in, 1,000 in each transaction": _rate(lambda: fill("out", 1000), lambda: OutboxMessage.objects.all().delete()),
        "out, batches of 2,000 to a server": _rate(
            lambda: manager.send_outbox("bench-sender", "out", 600), lambda: None, lambda: fill("out", 1000)
        ),
        "out, batches of 5,000 to the plugin itself": _rate(
            lambda: manager.send_outbox("bench-sender", "counts", 600), lambda: None, lambda: fill("counts", 1000)
        ),
    }
    if left := OutboxMessage.objects.count():
        raise RuntimeError(f"{left} messages were not sent.")
    title = f"Messages a second, {MESSAGES:,} of {len(json.dumps(event(1)))} bytes, one worker, {server_version()}"
    return "\n".join([title, "-" * len(title), *(f"{name:<44}{rate:>10,.0f}" for name, rate in rates.items())])


def _rate(act: Callable[[], object], after: Callable[[], object], before: Callable[[], object] = bool) -> float:
    """Return the median over some rounds of messages a second."""
    found = []
    for _ in range(ROUNDS):
        before()
        began = time.perf_counter()
        act()
        found.append(MESSAGES / (time.perf_counter() - began))
        after()
    return median(found)
