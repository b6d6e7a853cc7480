"""The database and Redis go away under running processes and come back: the site goes on, and all agree again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.routes.board import await_agreement, board
from tests.routes.world import awaited, furnish, swift
from tests.servers.postgres import OwnPostgres, PostgresServer, own_postgres
from tests.servers.processes import ServerProcess, scratch_folder, wait_until
from tests.servers.redis import redis_on
from tests.servers.stack import Stack, Templates

pytestmark = [pytest.mark.route]

PLUGIN = "@gridkit/plugin-export"
ADDRESS = f"/gridkit/api/plugins/{PLUGIN}/"
SCHEMA = "/gridkit/api/grids/flights/schema/"


@dataclass(slots=True)
class Site:
    """A stack on servers of its own.

    Attributes:
        stack: two web processes and a worker of one child.
        postgres: its database server.
        redis: its Redis server.
        redis_port: where that listens.
        ends: ends what was started later.
    """

    stack: Stack
    postgres: OwnPostgres
    redis: ServerProcess
    redis_port: int
    ends: ExitStack

    def start_redis(self) -> None:
        """Start a Redis server again, where the first one listened."""
        _, self.redis = self.ends.enter_context(redis_on(self.redis_port))

    def read(self) -> list[int]:
        """Ask each web process for a schema, and return how it answers."""
        return [swift(self.stack, "analyst", index=index).get(SCHEMA).status for index in range(2)]

    def change(self, verb: str) -> int:
        """Change the plugin in the first web process, and return how it answers."""
        return swift(self.stack, "admin").post(f"{ADDRESS}{verb}/").status

    def queue(self) -> dict[str, Any]:
        """Ask for an operation, and return how it is at once."""
        admin = swift(self.stack, "admin")
        answer = admin.post("/gridkit/api/plugins/", {"source": PLUGIN, "grants": [], "config": {}, "activate": False})
        assert answer.status == 202, answer.text
        found: dict[str, Any] = admin.get(answer.json()["operation"]["url"]).json()
        return found


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with (
        own_postgres() as postgres,
        redis_on() as (port, redis),
        scratch_folder("own") as home,
        scratch_folder("stack") as folder,
        ExitStack() as ends,
    ):
        url = f"redis://127.0.0.1:{port}/0"
        stack = Stack("postgres", _database(postgres, url, home, folder), url, folder)
        try:
            furnish(stack)
            stack.web(2)
            stack.start_worker()
            made = Site(stack, postgres, redis, port, ends)
            assert made.read() == [200, 200]
            _work(stack)
            yield made
        finally:
            stack.close()


def _database(postgres: OwnPostgres, redis_url: str, home: Path, folder: Path) -> str:
    return Templates(PostgresServer(postgres.url), redis_url, home).copy("postgres", folder)


def _work(stack: Stack) -> None:
    """Let the worker's child have a task, and wait until all three processes have reported themselves."""
    with Celery("probe", broker=stack.env["REDIS_URL"], set_as_current=False) as probe:
        probe.send_task("gridkit.check_plugin_health", ignore_result=True)
    wait_until(lambda: len(board(stack)) == 3, "all three processes to report themselves")


def _logs(site: Site) -> list[str]:
    return [path.read_text(errors="replace") for path in sorted(site.stack.folder.glob("web-*.log"))]


def test_database_restarted_under_running_processes_is_found_again_and_all_agree(site: Site) -> None:
    await_agreement(site.stack, PLUGIN, 3)

    site.postgres.stop()
    assert site.read() == [500, 500], "an answer, not a wait"
    wait_until(lambda: all("can't look for changes now" in text for text in _logs(site)), "the idle threads to notice")
    site.postgres.start()

    awaited(lambda: site.read() == [200, 200], "both web processes to serve again")
    wait_until(lambda: all("looks for changes again" in text for text in _logs(site)), "the idle threads to go on")
    for verb in ("deactivate", "activate"):
        assert site.change(verb) == 200
        await_agreement(site.stack, PLUGIN, 3)
    assert all(text.count("can't look for changes now") == 1 for text in _logs(site)), "told once, not at each look"


def test_redis_gone_and_back_costs_time_and_nothing_else(site: Site) -> None:
    await_agreement(site.stack, PLUGIN, 3)

    site.redis.stop()
    assert site.change("deactivate") == 200
    await_agreement(site.stack, PLUGIN, 3)
    operation = site.queue()
    assert (operation["state"], operation["error"]["code"]) == ("failed", "task-queue-unreachable"), operation

    site.start_redis()
    wait_until(lambda: all("at HINT_URL is back" in text for text in _logs(site)), "Redis to be heard again")
    assert site.change("activate") == 200
    await_agreement(site.stack, PLUGIN, 3)


def test_export_that_is_asked_for_while_redis_is_away_is_made_when_it_is_back(site: Site) -> None:
    analyst, jobs = swift(site.stack, "analyst"), "/gridkit/api/grids/flights/"
    site.redis.stop()
    answer = analyst.post(f"{jobs}methods/export/", {"arguments": {"format": "csv"}, "query": {"columns": ["flight"]}})
    assert (answer.status, answer.json()["job"]["state"]) == (202, "queued"), answer.text
    address = f"{jobs}jobs/{answer.json()['job']['id']}/"
    assert analyst.get(address).json()["queuePosition"] == 1

    site.start_redis()
    with Celery("probe", broker=site.stack.env["REDIS_URL"], set_as_current=False) as probe:
        probe.send_task("gridkit.resume_exports", ignore_result=True)

    awaited(lambda: analyst.get(address).json()["state"] == "finished", "the export to be made")
