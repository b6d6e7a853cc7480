"""Web processes and a prefork pool on PostgreSQL agree after each change, and then stay quiet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.routes.board import await_agreement, board, generation, parsed, revision
from tests.routes.market.pair import set_up
from tests.routes.world import awaited, furnish, swift
from tests.servers.http import Client
from tests.servers.processes import wait_until
from tests.servers.stack import Stack

pytestmark = pytest.mark.parametrize("stack", ["postgres"], indirect=True)

WEB, CHILDREN = 2, 2
ALL = WEB + CHILDREN
BEATS = 4
BEAT_SECONDS = 2
"""So long all stays quiet; twice as many looks for changes fall into it."""
PLUGINS = "/gridkit/api/plugins/"
PLUGIN = f"{PLUGINS}teller/"
CALL = "/gridkit/api/grids/flights/methods/tell/"

MANIFEST = """
id = "teller"
name = "Teller"
version = "{version}"
author = "Route"
description = "Tells what it is."
category = "utility"
license = "MIT"
core_version = ">=0.1"
required_permissions = ["methods:register", "storage:use"]
entry = "plugin:Teller"
"""

CODE = """
import os
from pathlib import Path

from pydantic import BaseModel

from gridkit_django.plugins import Plugin

VERSION = "{version}"


class Teller(Plugin):
    class Config(BaseModel):
        word: str = "one"

    def initialize(self, context):
        schema = {{"type": "object", "additionalProperties": False}}
        context.register_method("tell", self.tell, schema=schema, label="Tell")
        with Path(os.environ["TELLER_LIVES"]).open("a") as lives:
            lives.write(f"{{os.getpid()}} {{VERSION}}\\\\n")

    def tell(self, call):
        stores = self.context.has_permission("storage:use")
        return {{"word": self.context.config.word, "version": VERSION, "stores": stores}}
"""


def _write(stack: Stack, version: str) -> None:
    folder = stack.folder / "plugins" / "teller"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.toml").write_text(MANIFEST.format(version=version))
    (folder / "plugin.py").write_text(CODE.format(version=version).replace("\\\\n", "\\n"))


@pytest.fixture
def lives(stack: Stack) -> Path:
    """The file with one line for each time that a process started the plugin."""
    return stack.folder / "lives"


@pytest.fixture
def site(stack: Stack, lives: Path) -> Stack:
    """Four processes that have all served once, and a plugin that could be installed."""
    _write(stack, "1.0.0")
    lives.touch()
    stack.env["TELLER_LIVES"] = str(lives)
    if "GRIDKIT_MORE" not in stack.env:
        set_up(stack, {"HEARTBEAT_SECONDS": BEAT_SECONDS, "POLL_SECONDS": 1})
    furnish(stack)
    stack.web(WEB)
    if not stack._workers:
        stack.start_worker("--concurrency", str(CHILDREN))
    _let_every_child_work(stack)
    return stack


def _let_every_child_work(stack: Stack) -> None:
    """Send tasks until every child of the pool has had one."""
    with Celery("probe", broker=stack.env["REDIS_URL"], set_as_current=False) as probe:

        def served() -> bool:
            kinds = [entry.kind for entry in board(stack)]
            if kinds.count("celery") == CHILDREN:
                return True
            probe.send_task("gridkit.check_plugin_health", ignore_result=True)
            return False

        wait_until(served, "every child of the pool to have had a task")
    wait_until(lambda: len(board(stack)) == ALL, "every process to report itself")


def _operate(admin: Client, answer: Any) -> None:
    """Wait until the operation that an answer names has ended well."""
    place = answer.json()["operation"]["url"]
    ended = awaited(lambda: _ended(admin.get(place).json()), "the operation to end")
    assert ended["state"] == "finished", ended


def _ended(operation: dict[str, Any]) -> dict[str, Any] | None:
    return operation if operation["state"] in {"finished", "failed"} else None


def _told(stack: Stack) -> list[Any]:
    """Return what the plugin tells in each web process, or the status where it is not there."""
    answers = [swift(stack, "editor", index=index).post(CALL, {"arguments": {}}) for index in range(WEB)]
    return [answer.json()["result"] if answer.status == 200 else answer.status for answer in answers]


def _told_by_all(stack: Stack, expected: Any) -> None:
    await_agreement(stack, "teller", ALL)
    assert _told(stack) == [expected] * WEB


def test_every_process_agrees_after_each_change_though_nobody_asks_it(site: Stack) -> None:
    admin = swift(site, "admin")
    other = swift(site, "admin", index=1)
    wish = {"source": "folder:teller", "grants": ["methods:register"], "config": {}, "activate": False}

    _operate(admin, admin.post(PLUGINS, wish))
    _told_by_all(site, 404)

    assert admin.post(f"{PLUGIN}activate/").status == 200
    _told_by_all(site, {"word": "one", "version": "1.0.0", "stores": False})

    assert other.post(f"{PLUGIN}configure/", {"config": {"word": "two"}}).status == 200
    _told_by_all(site, {"word": "two", "version": "1.0.0", "stores": False})

    assert admin.post(f"{PLUGIN}grants/", {"permission": "storage:use", "decision": "granted"}).status == 200
    _told_by_all(site, {"word": "two", "version": "1.0.0", "stores": True})

    assert other.post(f"{PLUGIN}grants/", {"permission": "storage:use", "decision": "revoked"}).status == 200
    _told_by_all(site, {"word": "two", "version": "1.0.0", "stores": False})

    _write(site, "1.1.0")
    assert admin.post(f"{PLUGIN}reload/").status == 200
    _told_by_all(site, {"word": "two", "version": "1.1.0", "stores": False})

    assert other.post(f"{PLUGIN}deactivate/").status == 200
    _told_by_all(site, 404)

    _operate_or_done(admin, admin.post(f"{PLUGIN}uninstall/", {"data": "purge"}))
    _told_by_all(site, 404)
    assert site.rows("SELECT 1 FROM gridkit_django_installedplugin WHERE plugin_id = 'teller'") == []


def _operate_or_done(admin: Client, answer: Any) -> None:
    assert answer.status in {200, 202, 204}, answer.text
    if answer.status == 202:
        _operate(admin, answer)


def test_processes_that_agree_stay_quiet_over_many_beats(site: Stack, lives: Path) -> None:
    admin = swift(site, "admin")
    _write(site, "1.0.0")
    wish = {"source": "folder:teller", "grants": ["methods:register"], "config": {}, "activate": True}
    _operate(admin, admin.post(PLUGINS, wish))
    await_agreement(site, "teller", ALL)
    assert revision(site, "teller") is not None
    seen = "SELECT pid, seen_at FROM gridkit_django_runtimeprocess WHERE kind <> 'command' ORDER BY pid"

    def facts() -> Any:
        """What must not move: generation, revisions, states, audit records, and how often the plugin was started."""
        states = site.rows(
            "SELECT plugin_id, revision, effective_state, changed_at FROM gridkit_django_installedplugin ORDER BY 1"
        )
        return generation(site), states, _count(site, "auditrecord"), lives.read_text()

    before = facts()
    beats: dict[int, set[Any]] = {}

    def beaten() -> bool:
        assert facts() == before
        for pid, time in site.rows(seen):
            beats.setdefault(pid, set()).add(time)
        enough = [entry for entry in board(site) if len(beats.get(entry.pid, ())) > BEATS]
        return len(enough) == ALL

    wait_until(beaten, "every process to have beaten many times")
    assert parsed(site.rows("SELECT plugins FROM gridkit_django_runtimeprocess LIMIT 1")[0][0])
    _operate_or_done(admin, admin.post(f"{PLUGIN}uninstall/", {"data": "purge"}))


def _count(stack: Stack, table: str) -> int:
    return int(stack.rows(f"SELECT COUNT(*) FROM gridkit_django_{table}")[0][0])
