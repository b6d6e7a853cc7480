"""What an edit costs while a vendor is dead: its server takes connections and never answers, and a worker waits for it.

Beside the same edit that is told to a vendor that answers, that is only counted, and that no plugin looks at.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import override_settings

from example_project.flights.models import Airline
from gridkit_django.grids import Grid, GridAccess, apply_edit, grid_registry
from gridkit_django.grids.columns import TextColumn
from gridkit_django.grids.records import get_record
from gridkit_django.models import OutboxMessage
from gridkit_django.plugins import plugin_manager
from tests.benchmarks.analytics.sink import sink
from tests.benchmarks.database import server_version
from tests.benchmarks.harness import Variant, compare, table

PLUGIN = "@gridkit/plugin-analytics"
EDITS = 10
ROUNDS = 15


class CountedGrid(Grid):
    """Counted by the site, and told to nobody."""

    name = TextColumn(editable=True)

    class Meta:
        model = Airline
        id = "bench-edit-counted"
        columns = ["carrier", "name"]


class BareGrid(CountedGrid):
    """Not looked at."""

    class Meta(CountedGrid.Meta):
        id = "bench-edit-bare"
        plugins: Any = {PLUGIN: False}


class LiveGrid(CountedGrid):
    """Told to a server that answers."""

    class Meta(CountedGrid.Meta):
        id = "bench-edit-live"
        plugins: Any = {PLUGIN: {"provider": "segment"}}


class DeadGrid(CountedGrid):
    """Told to a server that never answers."""

    class Meta(CountedGrid.Meta):
        id = "bench-edit-dead"
        plugins: Any = {PLUGIN: {"provider": "webhook"}}


GRIDS = {
    "no plugin": BareGrid,
    "plugin, no vendor": CountedGrid,
    "plugin, a vendor that answers": LiveGrid,
    "plugin, a dead vendor": DeadGrid,
}


def run() -> Iterator[str]:
    """Compare wall time, while a worker hangs on the dead vendor."""
    with silent_server() as dead, sink() as live, _at_work(dead, live.removesuffix("/in")):
        access = {name: _access(grid, f"{number}") for number, (name, grid) in enumerate(GRIDS.items())}
        variants: dict[str, Variant] = {name: partial(_edit, found) for name, found in access.items()}
        _edit(access["plugin, a dead vendor"])
        with _hanging_worker():
            measured = compare(variants, rounds=ROUNDS, clock=time.perf_counter)
        waiting = OutboxMessage.objects.filter(channel="webhook").count()
        conditions = {"edits in a run": EDITS, "database": server_version(), "wait for the dead vendor": waiting}
        yield table("An edit while a vendor is dead, wall time", measured, conditions=conditions)


@contextmanager
def silent_server() -> Iterator[str]:
    """Take connections and never say a word; return the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/in"


@contextmanager
def _hanging_worker() -> Iterator[None]:
    """Let a worker send to the dead vendor all the while."""
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set():
            plugin_manager().send_outbox(PLUGIN, "webhook", 5)
            stopped.wait(0.5)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        stopped.set()
        worker.join()


def _access(grid: type[Grid], carrier: str) -> GridAccess:
    Airline.objects.create(carrier=carrier, name="bench")
    person, _ = get_user_model()._default_manager.get_or_create(username="bench", is_superuser=True)
    return GridAccess(grid, person)


def _edit(access: GridAccess) -> None:
    number = str(list(GRIDS.values()).index(access.grid))
    for _ in range(EDITS):
        version = get_record(access, number).version
        apply_edit(access, number, {"name": f"bench {time.monotonic_ns()}"}, version)


@contextmanager
def _at_work(dead: str, live: str) -> Iterator[None]:
    local = {"OUTBOX_ALLOW_CLEAR": True, "OUTBOX_ALLOW_PRIVATE": True, "OUTBOX_READ_SECONDS": 5}
    config = {"api_key": "k", "segment": {"host": live}, "webhook": {"url": dead}}
    manager = plugin_manager()
    for grid in GRIDS.values():
        grid_registry().register(grid)
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, **local}):
        manager.install_plugin(PLUGIN, config=config)
        for url in (dead, live):
            manager.grant_permission(PLUGIN, f"network:{url.split('/')[2]}")
        try:
            yield
        finally:
            manager.uninstall_plugin(PLUGIN)
            Airline.objects.filter(name__startswith="bench").delete()
            for grid in GRIDS.values():
                grid_registry().unregister(grid.options.id)
