"""Kill -9 in the middle of a change: it is wholly there or not at all, the site answers, the next process goes on."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import pytest

from tests.routes.board import generation, parsed
from tests.routes.gate import Gate, standing_gate, write_gated, write_warden
from tests.routes.shell import Shell, standing_shell
from tests.routes.world import awaited, furnish, swift
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""

GATED = "/gridkit/api/plugins/gated/"
CALL = "/gridkit/api/grids/flights/methods/tell/"
SCHEMA = "/gridkit/api/grids/flights/schema/"

_INSTALL = """
from gridkit_django.plugins import plugin_manager

manager = plugin_manager()
for name in ("warden", "gated"):
    manager.install_plugin(name)
"""
_INACTIVE = """
from gridkit_django.models import PluginOperation
from gridkit_django.plugins import plugin_manager

PluginOperation.objects.all().delete()
plugin_manager().activate_plugin("gated")
plugin_manager().configure_plugin("gated", {"word": "one"})
plugin_manager().deactivate_plugin("gated")
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change to the plugin `gated`.

    Attributes:
        verb: what it is called, in the API, in events and in the audit log.
        body: what is posted.
        told: what the plugin tells once it is in force.
    """

    verb: str
    body: dict[str, Any]
    told: dict[str, str]


CHANGES = (
    Change("activate", {}, {"word": "one", "version": "1.0.0"}),
    Change("configure", {"config": {"word": "two"}}, {"word": "two", "version": "1.0.0"}),
    Change("reload", {}, {"word": "one", "version": "2.0.0"}),
)


@pytest.fixture
def gate(stack: Stack) -> Iterator[Gate]:
    """A site with no process, two plugins, and a gate that stands open."""
    stack.stop()
    write_warden(stack)
    write_gated(stack, "1.0.0")
    with standing_gate(stack) as gate:
        furnish(stack, plugins=False)
        if not stack.rows("SELECT 1 FROM gridkit_django_installedplugin"):
            stack.python(_INSTALL)
        # The kills of the tests before are not of this one: the third within ten minutes would be a crash loop.
        stack.rows("DELETE FROM gridkit_django_plugincrash RETURNING 1")
        yield gate
        gate.open()
        stack.stop()


Elsewhere = Callable[[str], str]


@pytest.fixture
def elsewhere(stack: Stack, gate: Gate) -> Iterator[Elsewhere]:
    """Carries out code in a process beside web and worker, one for the test, which starts when it is first needed."""
    with contextlib.ExitStack() as ends:
        shells: list[Shell] = []

        def carry_out(code: str) -> str:
            if not shells:
                shells.append(ends.enter_context(standing_shell(stack)))
            return shells[0](code)

        yield carry_out


def _start(stack: Stack, elsewhere: Elsewhere, name: str, change: Change) -> None:
    """Start the one process that makes the change, and bring the plugin to where the change can begin."""
    stack.env["GATE_NAME"] = name
    if name == "celery":
        elsewhere(_INACTIVE)
        stack.start_worker()
        return
    admin = swift(stack, "admin")
    verbs = [("activate", {}), ("configure", {"config": {"word": "one"}}), ("reload", {})]
    for verb, body in [*verbs, *([("deactivate", {})] if change.verb == "activate" else [])]:
        answer = admin.post(f"{GATED}{verb}/", body)
        assert answer.status == 200, answer.text
    if change.verb == "reload":
        write_gated(stack, "2.0.0")


def _kill_at(gate: Gate, place: str, name: str, act: Callable[[], object]) -> None:
    """Do something, and kill the process that does it at a place."""
    gate.hold(place, name)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(act)
        os.kill(gate.arrived(), signal.SIGKILL)
        gate.open()
        with contextlib.suppress(OSError, HTTPException):  # whoever asked is told by a connection that breaks
            done.result(60)


def _facts(stack: Stack, verb: str) -> tuple[Any, ...]:
    """Return what a change of this kind moves: generation, the plugin's row, revisions of configuration, records."""
    row = "SELECT desired_state, revision FROM gridkit_django_installedplugin WHERE plugin_id = 'gated'"
    configs = (
        "SELECT COUNT(*) FROM gridkit_django_pluginconfig WHERE plugin_id = "
        "(SELECT id FROM gridkit_django_installedplugin WHERE plugin_id = 'gated')"
    )
    records = f"SELECT COUNT(*) FROM gridkit_django_auditrecord WHERE action = 'plugin.{verb}' AND target_id = 'gated'"
    return generation(stack), stack.rows(row), stack.rows(configs), stack.rows(records)


def _state(stack: Stack) -> tuple[str, str]:
    (row,) = stack.rows(
        "SELECT effective_state, state_code FROM gridkit_django_installedplugin WHERE plugin_id = 'gated'"
    )
    return row


def _told(stack: Stack) -> Any:
    answer = swift(stack, "editor").post(CALL, {"arguments": {}})
    return answer.json()["result"] if answer.status == 200 else answer.text


def _enqueue(elsewhere: Elsewhere, change: Change) -> None:
    """Let the worker make the change."""
    elsewhere(
        f"""
from gridkit_django.plugins import request_operation
from gridkit_django.tasks.plugins import enqueue_operation

operation = request_operation({change.verb!r}, "gated", {change.body!r}, user=None)
enqueue_operation(operation.pk)
"""
    )


def _act(stack: Stack, elsewhere: Elsewhere, name: str, change: Change) -> Callable[[], object]:
    """Return what makes the change in the process of a name."""
    if name == "web":
        client = swift(stack, "admin")
        return lambda: client.post(f"{GATED}{change.verb}/", change.body)
    return lambda: _enqueue(elsewhere, change)


PROCESSES = [("web", change) for change in CHANGES] + [("celery", CHANGES[0])]
WHERE = pytest.mark.parametrize(
    ("name", "change"), PROCESSES, ids=[f"{name}-{change.verb}" for name, change in PROCESSES]
)


@WHERE
def test_process_killed_before_the_commit_leaves_nothing_of_the_change(
    stack: Stack, gate: Gate, elsewhere: Elsewhere, name: str, change: Change
) -> None:
    _start(stack, elsewhere, name, change)
    before = _facts(stack, change.verb)

    _kill_at(gate, f"plugin:{change.verb}", name, _act(stack, elsewhere, name, change))

    assert _facts(stack, change.verb) == before
    assert swift(stack, "editor").get(SCHEMA).status == 200
    again = swift(stack, "admin").post(f"{GATED}{change.verb}/", change.body)
    assert again.status == 200, again.text
    assert _told(stack) == change.told
    assert _state(stack) == ("active", "")


@WHERE
def test_process_killed_after_the_commit_leaves_the_whole_change_and_the_plugin_is_held_back(
    stack: Stack, gate: Gate, elsewhere: Elsewhere, name: str, change: Change
) -> None:
    _start(stack, elsewhere, name, change)
    number, [(_, revision)], _, [(records,)] = _facts(stack, change.verb)

    _kill_at(gate, "initialize", name, _act(stack, elsewhere, name, change))

    found = _facts(stack, change.verb)
    assert (found[0], found[1], found[3]) == (number + 1, [("active", revision + 1)], [(records + 1,)])
    reader = swift(stack, "editor")
    assert reader.get(SCHEMA).status == 200, "the site answers while the plugin is held back"
    assert awaited(lambda: _state(stack)[1], "the reason") == "plugin-killed-process"
    assert _state(stack)[0] == "error"
    evidence = parsed(
        stack.rows("SELECT state_evidence FROM gridkit_django_installedplugin WHERE plugin_id = 'gated'")[0][0]
    )
    assert (evidence["step"], "retry_at" in evidence) in {("initialize", True), ("reload", True)}

    assert swift(stack, "admin").post(f"{GATED}activate/").status == 200
    assert _told(stack) == change.told
    assert _state(stack) == ("active", "")
