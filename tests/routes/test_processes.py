"""Forked processes follow one generation: gunicorn with and without preload, Celery's prefork pool."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.routes.world import awaited, furnish, method_names
from tests.servers.http import Client
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""

API = "/gridkit/api/grids/flights/"
PLUGIN = "/gridkit/api/plugins/@gridkit/plugin-export/"
ASKS = 40


@pytest.fixture(scope="module", params=[(), ("--preload",)], ids=["plain", "preload"])
def url(stack: Stack, request: pytest.FixtureRequest) -> str:
    """A web server of three forked workers that the kernel hands connections to."""
    furnish(stack).stop()
    return stack.start_web("--workers", "3", "--threads", "1", *request.param)


def _offers(reader: Client) -> list[list[str]]:
    """Ask many times over connections of their own, so that every worker answers some."""
    with ThreadPoolExecutor(8) as pool:
        return [method_names(answer) for answer in pool.map(lambda _: reader.get(f"{API}schema/"), range(ASKS))]


def _running(stack: Stack, kind: str) -> list[dict[str, Any]]:
    """Return what each process of a kind says it runs."""
    found = stack.rows(f"SELECT plugins FROM gridkit_django_runtimeprocess WHERE kind = '{kind}'")
    return [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in found]


def test_every_forked_worker_follows_the_next_request_after_a_change(stack: Stack, url: str) -> None:
    admin, reader = Client(url, token="token-of-admin"), Client(url, token="token-of-analyst")
    assert _offers(reader) == [["export"]] * ASKS
    awaited(lambda: len(_running(stack, "web")) >= 3 or not _offers(reader), "every worker to have served")

    assert admin.post(f"{PLUGIN}deactivate/").status == 200
    assert _offers(reader) == [[]] * ASKS

    assert admin.post(f"{PLUGIN}activate/").status == 200
    assert _offers(reader) == [["export"]] * ASKS


def test_forked_workers_that_only_read_leave_the_generation_and_the_plugins_alone(stack: Stack, url: str) -> None:
    reader = Client(url, token="token-of-analyst")
    generation = "SELECT value FROM gridkit_django_runtimegeneration"
    _offers(reader)
    before = stack.rows(generation), stack.rows("SELECT COUNT(*) FROM gridkit_django_auditrecord")

    _offers(reader)

    assert (stack.rows(generation), stack.rows("SELECT COUNT(*) FROM gridkit_django_auditrecord")) == before


def test_children_of_a_prefork_pool_follow_before_each_task(stack: Stack) -> None:
    furnish(stack).stop()
    url = stack.url()
    stack.start_worker("--concurrency", "2")
    admin, analyst = Client(url, token="token-of-admin"), Client(url, token="token-of-analyst")

    def exported() -> list[str]:
        """Export four times at once and return how each ended."""
        body = {"arguments": {"format": "csv"}, "query": {"columns": ["flight"]}}
        jobs = [analyst.post(f"{API}methods/export/", body).json()["job"]["id"] for _ in range(4)]
        ended = {"finished", "failed", "cancelled"}
        states = lambda: [analyst.get(f"{API}jobs/{job}/").json()["state"] for job in jobs]  # noqa: E731
        return awaited(lambda: found if set(found := states()) <= ended else [], "the exports to end")

    assert exported() == ["finished"] * 4
    admin.post(f"{PLUGIN}deactivate/")
    admin.post(f"{PLUGIN}activate/")
    assert exported() == ["finished"] * 4
