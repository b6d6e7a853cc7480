"""Processes that nobody asks for anything follow by themselves, whatever server runs them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from celery import Celery

from tests.routes.board import await_agreement, board, ends_in_order, told
from tests.routes.shell import Shell, standing_shell
from tests.routes.world import furnish, method_names, swift
from tests.servers.http import Client
from tests.servers.processes import wait_until
from tests.servers.stack import Stack

pytestmark = pytest.mark.parametrize("stack", ["postgres"], indirect=True)

PLUGIN = "@gridkit/plugin-export"
SCHEMA = "/gridkit/api/grids/flights/schema/"
ASKS = 24


@pytest.fixture
def site(stack: Stack) -> Stack:
    """A furnished site whose web processes of earlier tests are gone."""
    stack.stop()
    return furnish(stack)


def _reach_all(stack: Stack, url: str, processes: int) -> None:
    """Ask over many connections until every process has served, and says so."""
    reader = Client(url, token="token-of-analyst")

    def served() -> bool:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: reader.get(SCHEMA), range(ASKS)))
        assert {answer.status for answer in answers} == {200}
        return len(board(stack)) == processes

    wait_until(served, "every process to have served")


@pytest.fixture(scope="module")
def elsewhere(stack: Stack) -> Iterator[Shell]:
    """A process that is neither web nor worker."""
    with standing_shell(furnish(stack)) as shell:
        yield shell


def _follows(stack: Stack, processes: int, elsewhere: Shell) -> None:
    """Let the plugin be switched off and on elsewhere, and wait for all to agree each time."""
    await_agreement(stack, PLUGIN, processes)
    for verb in ("deactivate", "activate"):
        elsewhere(f"manager.{verb}_plugin({PLUGIN!r})")
        await_agreement(stack, PLUGIN, processes)


def test_idle_process_of_uvicorn_follows_and_serves(site: Stack, elsewhere: Shell) -> None:
    url = site.start_uvicorn()
    _reach_all(site, url, 1)
    _follows(site, 1, elsewhere)
    assert method_names(Client(url, token="token-of-analyst").get(SCHEMA)) == ["export"]


@pytest.mark.parametrize(("options", "processes"), [((), 2), (("--pool", "threads"), 1)], ids=["prefork", "threads"])
def test_idle_worker_of_celery_follows(site: Stack, elsewhere: Shell, options: tuple[str, ...], processes: int) -> None:
    site.start_worker(*options, "--concurrency", "2", own_program=not options)
    with Celery("probe", broker=site.env["REDIS_URL"], set_as_current=False) as probe:

        def served() -> bool:
            if len(board(site)) == processes:
                return True
            probe.send_task("gridkit.check_plugin_health", ignore_result=True)
            return False

        wait_until(served, "every process of the pool to have had a task")
    _follows(site, processes, elsewhere)
    ends_in_order(site)


def test_runserver_that_is_told_to_end_says_so(site: Stack) -> None:
    _reach_all(site, site.start_runserver(), 1)
    (entry,) = board(site)
    os.kill(entry.pid, signal.SIGTERM)  # told to end, its parent would kill it
    wait_until(lambda: not board(site), "its end")
    assert entry.pid not in told(site)


def test_command_reports_nothing_of_its_own_and_leaves_no_thread(site: Stack) -> None:
    code = """
import threading
from gridkit_django.plugins import plugin_manager

plugin_manager().ensure_current()
print([thread.name for thread in threading.enumerate()], plugin_manager().runtime.idle.is_running)
"""
    assert site.python(code).strip().endswith("['MainThread'] False")


def test_change_over_one_web_process_reaches_another_that_is_idle(site: Stack) -> None:
    site.web(2)
    for index in range(2):
        assert swift(site, "analyst", index=index).get(SCHEMA).status == 200
    for verb in ("deactivate", "activate"):
        assert swift(site, "admin").post(f"/gridkit/api/plugins/{PLUGIN}/{verb}/").status == 200
        await_agreement(site, PLUGIN, 2)
