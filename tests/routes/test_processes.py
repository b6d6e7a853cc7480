"""Forked processes follow one generation, asked or not: gunicorn with and without preload, Celery's prefork pool."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.routes.board import await_agreement, ends_in_order, generation
from tests.routes.shell import standing_shell
from tests.routes.world import awaited, furnish, method_names, swift
from tests.servers.http import Client
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""

API = "/gridkit/api/grids/flights/"
EXPORT = "@gridkit/plugin-export"
PLUGIN = f"/gridkit/api/plugins/{EXPORT}/"
WORKERS = 2
ASKS = 24


@pytest.fixture
def site(stack: Stack) -> Stack:
    """A furnished site without a process."""
    stack.stop()
    return furnish(stack)


def _offers(reader: Client) -> list[list[str]]:
    """Ask many times over connections of their own, so that every worker answers some."""
    with ThreadPoolExecutor(8) as pool:
        return [method_names(answer) for answer in pool.map(lambda _: reader.get(f"{API}schema/"), range(ASKS))]


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["plain", "preload"])
def test_forked_workers_of_gunicorn_follow_asked_or_not_write_nothing_for_it_and_end_in_order(
    site: Stack, options: tuple[str, ...]
) -> None:
    url = site.start_web("--workers", str(WORKERS), "--threads", "1", *options)
    admin, reader = Client(url, token="token-of-admin"), Client(url, token="token-of-analyst")

    _follow_at_the_next_request(admin, reader)
    await_agreement(site, EXPORT, WORKERS)
    _leave_everything_alone(site, reader)
    with standing_shell(site) as elsewhere:
        for verb in ("deactivate", "activate"):
            elsewhere(f"manager.{verb}_plugin({EXPORT!r})")
            await_agreement(site, EXPORT, WORKERS)
    ends_in_order(site)


def _follow_at_the_next_request(admin: Client, reader: Client) -> None:
    """After a change through one of them, each worker serves what holds now."""
    assert _offers(reader) == [["export"]] * ASKS

    assert admin.post(f"{PLUGIN}deactivate/").status == 200
    assert _offers(reader) == [[]] * ASKS

    assert admin.post(f"{PLUGIN}activate/").status == 200
    assert _offers(reader) == [["export"]] * ASKS


def _leave_everything_alone(site: Stack, reader: Client) -> None:
    """Workers that only read raise no generation and write no record."""
    records = "SELECT COUNT(*) FROM gridkit_django_auditrecord"
    before = generation(site), site.rows(records)

    _offers(reader)

    assert (generation(site), site.rows(records)) == before


def test_children_of_a_prefork_pool_follow_before_each_task(site: Stack) -> None:
    site.start_worker("--concurrency", "2")
    admin, analyst = swift(site, "admin"), swift(site, "analyst")

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
