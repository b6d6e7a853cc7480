"""Route: jobs of a plugin in real workers, on a pool of processes and of threads: started, due, stopped, lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from tests.routes.shell import Shell, standing_shell
from tests.routes.world import awaited
from tests.servers.processes import wait_until
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""

MANIFEST = """
id = "clerk"
name = "Clerk"
version = "1.0.0"
author = "Route"
description = "Works in the background."
category = "utility"
license = "MIT"
core_version = ">=0.1"
required_permissions = ["schedule:use", "storage:use"]
entry = "plugin:Clerk"
"""

CODE = """
import os
import threading
import time
from datetime import timedelta

from pydantic import BaseModel

from gridkit_django.plugins import Plugin


class Clerk(Plugin):
    class Config(BaseModel):
        word: str = "one"

    def initialize(self, context):
        anything = {"type": "object"}
        context.jobs.register("report", self.report, label="Report", schema=anything)
        context.jobs.register("tick", self.tick, label="Tick", every=timedelta(seconds=1))
        context.jobs.register("daily", self.tick, label="Daily", cron="30 2 * * *")
        context.jobs.register("hang", self.hang, label="Hang")
        context.jobs.register("cling", self.cling, label="Cling")
        context.jobs.register("leave", self.leave, label="Leave")
        context.jobs.register("chain", self.chain, label="Chain")

    def report(self, call):
        return {"word": self.context.config.word, "in": os.getpid(), "thread": threading.current_thread().name}

    def tick(self, call):
        return call.scheduled

    def hang(self, call):
        self.context.storage.set("pid", os.getpid())
        while True:
            time.sleep(0.01)

    def cling(self, call):
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                pass

    def leave(self, call):
        raise SystemExit(3)

    def chain(self, call):
        return self.context.jobs.run("report", {"from": call.run_id}, delay_seconds=1)
"""

_INSTALL = "from gridkit_django.plugins import plugin_manager; plugin_manager().install_plugin('folder:clerk')"
_DAILY = "SELECT id FROM gridkit_django_pluginschedule WHERE job = 'daily'"
_PID = "SELECT value FROM gridkit_django_pluginstorageitem WHERE key = 'pid'"


@pytest.fixture(scope="module")
def clerk(stack: Stack) -> Stack:
    """The plugin in the site's folder, installed and active; nothing runs by itself."""
    root = stack.folder / "plugins" / "clerk"
    root.mkdir(parents=True)
    (root / "plugin.toml").write_text(MANIFEST)
    (root / "plugin.py").write_text(CODE)
    stack.python(_INSTALL)
    return stack


@pytest.fixture(scope="module", params=["prefork", "threads"])
def pool(clerk: Stack, request: pytest.FixtureRequest) -> Stack:
    """The stack with one worker of two children, or of two threads."""
    clerk.stop()
    clerk.start_worker("--pool", request.param, "--concurrency", "2", "--without-mingle", "--without-gossip")
    return clerk


PREFORK = pytest.mark.parametrize("pool", ["prefork"], indirect=True, scope="module")
"""Only a pool of processes can be told to stop, and can lose one; and one pool shows that a clock asks for runs."""


@pytest.fixture(scope="module")
def shell(clerk: Stack) -> Iterator[Shell]:
    with standing_shell(clerk) as shell:
        yield shell


def _start(shell: Shell, job: str) -> str:
    return shell(f"answer = manager.run_job('clerk', {job!r}).id")


def _run(stack: Stack, run_id: str) -> dict[str, Any]:
    names = ("state", "result", "error_code", "error_detail")
    key = run_id.replace("-", "") if stack.database == "sqlite" else run_id
    (row,) = stack.rows(f"SELECT {', '.join(names)} FROM gridkit_django_pluginjobrun WHERE id = '{key}'")
    found = dict(zip(names, row, strict=True))
    if stack.database == "sqlite" and found["result"] is not None:
        found["result"] = json.loads(found["result"])
    return found


def _ended(stack: Stack, run_id: str) -> dict[str, Any]:
    def ask() -> dict[str, Any]:
        found = _run(stack, run_id)
        return found if found["state"] in {"finished", "failed"} else {}

    return awaited(ask, f"the run {run_id} to end")


def _send(stack: Stack, task: str, *arguments: str, times: int = 1, **options: Any) -> None:
    """Hand a task to the workers, past the project."""
    with Celery("probe", broker=stack.env["REDIS_URL"], set_as_current=False) as probe:
        for _ in range(times):
            probe.send_task(task, args=list(arguments), **options)


def _add_run(shell: Shell, job: str, ahead: int = 0) -> str:
    """Write a run down that nobody was told of, and return its id."""
    generation = f"manager.runtime.generations.current() + {ahead}"
    clerk = "InstalledPlugin.objects.get(plugin_id='clerk')"
    return shell(f"answer = PluginJobRun.objects.create(plugin={clerk}, job={job!r}, generation={generation}).pk")


def _make_due(shell: Shell, job: str) -> None:
    """Let this schedule be due, and no other."""
    shell("PluginSchedule.objects.update(enabled=False)")
    shell(f"PluginSchedule.objects.filter(job={job!r}).update(enabled=True, next_run_at='2020-01-01T00:00Z')")


def _scheduled(stack: Stack, job: str, state: str = "finished") -> int:
    query = f"SELECT COUNT(*) FROM gridkit_django_pluginjobrun WHERE job = '{job}' AND scheduled AND state = '{state}'"
    return int(stack.rows(query)[0][0])


def test_job_runs_in_a_worker_with_the_configuration_of_the_moment_it_was_started(pool: Stack, shell: Shell) -> None:
    for word in ("two", "three", "four"):
        shell(f"manager.configure_plugin('clerk', {{'word': {word!r}}})")

        ended = _ended(pool, _start(shell, "report"))

        assert (ended["state"], ended["result"]["word"]) == ("finished", word), ended


def test_job_that_calls_system_exit_fails_and_the_worker_goes_on(pool: Stack, shell: Shell) -> None:
    failed = _ended(pool, _start(shell, "leave"))
    assert (failed["state"], failed["error_code"]) == ("failed", "plugin-job-failed")
    assert "SystemExit" in failed["error_detail"]

    assert _ended(pool, _start(shell, "report"))["state"] == "finished"


def test_job_that_a_job_starts_runs_later(pool: Stack, shell: Shell) -> None:
    first = _ended(pool, _start(shell, "chain"))

    assert _ended(pool, first["result"])["state"] == "finished"


@PREFORK
def test_clock_starts_jobs_whose_time_has_come_and_no_others(pool: Stack, shell: Shell) -> None:
    shell("PluginSchedule.objects.update(enabled=True)")
    command = [
        "-m",
        "celery",
        "-A",
        "example_project",
        "beat",
        "--pidfile",
        "",
        "--schedule",
        str(pool.folder / "beat"),
    ]
    beat = pool.serve("Celery beat", pool.folder / "beat.log", *command)
    before = _scheduled(pool, "tick")
    try:
        wait_until(lambda: _scheduled(pool, "tick") > before, "the clock to start a run")
    finally:
        beat.stop()
    shell("PluginSchedule.objects.update(enabled=False)")

    assert _scheduled(pool, "daily") == 0


def test_many_clocks_at_once_start_a_due_job_once(pool: Stack, shell: Shell) -> None:
    _send(pool, "gridkit.run_due_jobs")
    wait_until(lambda: bool(pool.rows(_DAILY)), "the schedule to be stored")
    for _ in range(3):
        _make_due(shell, "daily")
        before = _scheduled(pool, "daily")

        _send(pool, "gridkit.run_due_jobs", times=12)

        wait_until(lambda before=before: _scheduled(pool, "daily") > before, "the due job to run")
        assert _ended(pool, _start(shell, "report"))["state"] == "finished"
        assert _scheduled(pool, "daily") == before + 1
    shell("PluginSchedule.objects.update(enabled=False); PluginJobRun.objects.filter(job='daily').delete()")


def test_worker_that_is_behind_hands_a_run_back_until_it_has_followed(pool: Stack, shell: Shell) -> None:
    run_id = _add_run(shell, "report", ahead=1)
    _send(pool, "gridkit.run_plugin_job", run_id)
    worker = pool.worker()
    wait_until(lambda: "Retry in 1s" in worker.read_log(), "the worker to hand the run back")
    assert _run(pool, run_id)["state"] == "queued"

    shell("manager.configure_plugin('clerk', {'word': 'caught up'})")

    assert _ended(pool, run_id)["result"]["word"] == "caught up"


@PREFORK
def test_job_over_its_time_is_stopped_with_the_reason(pool: Stack, shell: Shell) -> None:
    run_id = _add_run(shell, "hang")
    _send(pool, "gridkit.run_plugin_job", run_id, soft_time_limit=1, time_limit=30)

    ended = _ended(pool, run_id)

    assert (ended["state"], ended["error_code"]) == ("failed", "plugin-job-failed")
    assert "JOB_SECONDS_MAX" in ended["error_detail"]


@PREFORK
def test_job_that_does_not_let_itself_be_stopped_is_ended_with_its_worker_process(pool: Stack, shell: Shell) -> None:
    run_id = _add_run(shell, "cling")
    _send(pool, "gridkit.run_plugin_job", run_id, soft_time_limit=1, time_limit=2)

    ended = _ended(pool, run_id)

    assert (ended["state"], ended["error_code"]) == ("failed", "job-lost")
    assert "told to end" in ended["error_detail"]
    assert _ended(pool, _start(shell, "report"))["state"] == "finished"


@PREFORK
def test_run_whose_worker_process_was_killed_is_failed_as_lost_by_the_health_task(pool: Stack, shell: Shell) -> None:
    shell("manager.ensure_current(); manager.runtime.live['clerk'].plugin.context.storage.clear()")
    run_id = _start(shell, "hang")
    (pid,) = awaited(lambda: pool.rows(_PID), "the job to say where it runs")
    os.kill(int(pid[0]), signal.SIGKILL)
    shell(f"PluginJobRun.objects.filter(pk={run_id!r}).update(started_at='2020-01-01T00:00Z')")
    assert _run(pool, run_id)["state"] == "running"

    _send(pool, "gridkit.check_plugin_health")

    assert _ended(pool, run_id)["error_code"] == "job-lost"
    assert _ended(pool, _start(shell, "report"))["state"] == "finished"
