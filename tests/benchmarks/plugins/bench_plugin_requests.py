"""What active plugins add to a request for rows, beside the same view without the runtime's receivers.

Each plugin listens to three kinds of events and to messages. A request for rows tells no event, so what it pays is the
look at the generation, once in each request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from django.contrib.auth import get_user_model
from django.core.signals import request_finished, request_started
from django.db import reset_queries
from django.test import Client

from example_project.flights.dataset import dataset_folder
from example_project.flights.loader import load, plan
from example_project.flights.models import Flight
from tests.benchmarks.database import analyze, server_version
from tests.benchmarks.harness import Measured, Variant, compare, table
from tests.benchmarks.plugins.samples import at_work, idle_plugin

REQUESTS = 20
ADDRESS = "/gridkit/api/grids/flights/rows/"


def run() -> Iterator[str]:
    """Compare requests with 0, 10 and 50 plugins with requests that never reach the runtime."""
    if not Flight.objects.exists():
        for part in plan(dataset_folder()):
            load(part)
        analyze()
    client = _client()
    for plugins in (0, 10, 50):
        with at_work([idle_plugin(f"bench-{number}", handlers=3) for number in range(plugins)]):
            yield _table(plugins, _measure(client))


def _measure(client: Client) -> list[Measured]:
    request: Callable[[], object] = lambda: client.post(ADDRESS, {}, content_type="application/json")  # noqa: E731

    def bare() -> None:
        with _without_runtime():
            _repeat(request)

    variants: dict[str, Variant] = {"without the runtime": bare, "with the runtime": partial(_repeat, request)}
    return compare(variants, rounds=20)


def _table(plugins: int, measured: list[Measured]) -> str:
    conditions = {"requests in a run": REQUESTS, "rows": f"{Flight.objects.count():,}", "database": server_version()}
    added = (measured[1].median - measured[0].median) / REQUESTS * 1e6
    return table(
        f"Request for rows, {plugins} plugins", measured, conditions={**conditions, "added": f"{added:.0f} µs"}
    )


@contextmanager
def _without_runtime() -> Iterator[None]:
    """Take away the receivers by which requests wake the runtime."""
    names = {"request_began": request_started, "ended": request_finished}
    found = {
        name: next(receiver for key, receiver, _ in signal.receivers if key[0] == f"gridkit_django.plugins.{name}")
        for name, signal in names.items()
    }
    for name, signal in names.items():
        signal.disconnect(dispatch_uid=f"gridkit_django.plugins.{name}")
    try:
        yield
    finally:
        for name, signal in names.items():
            signal.connect(found[name], weak=False, dispatch_uid=f"gridkit_django.plugins.{name}")


def _client() -> Client:
    user = get_user_model().objects.create_superuser("bench-plugins", "bench@example.org", "bench")
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    answer = client.post(ADDRESS, {}, content_type="application/json")
    if answer.status_code != 200:
        raise RuntimeError(f"The rows answered {answer.status_code}: {answer.content[:200]!r}")
    reset_queries()
    return client


def _repeat(act: Callable[[], object]) -> None:
    for _ in range(REQUESTS):
        act()
