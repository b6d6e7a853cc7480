"""A worker is killed at every step of an operation: the next one goes on, and nothing is done twice or half."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from gridkit_django.models import AuditRecord, InstalledPlugin, OperationState, PluginOperation
from gridkit_django.plugins import (
    PluginManager,
    cancel_operation,
    end_lost_operations,
    operations,
    request_operation,
    run_operation,
    unattended_operations,
)
from gridkit_django.plugins.operation_lease import DEATHS_MAX
from gridkit_django.plugins.operation_recipes import local_recipe
from gridkit_django.plugins.operation_run import OperationRun, Step
from tests.plugins.samples import Explosive, Listener, write_plugin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


BROKEN = """
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    def initialize(self, context):
        raise ValueError("no")
"""


class Killed(BaseException):
    """The end of a worker, as SIGKILL makes it: no code of the operation sees it."""


Recipe = Callable[[OperationRun], Any]


def dying(step: str, place: str, recipe: Recipe = local_recipe) -> Recipe:
    """Return the recipe of an operation whose worker dies before or after a step, or before its mark."""

    def made(run: OperationRun) -> list[Step]:
        return [_dying(item, place) if item.name == step else item for item in recipe(run)]

    return made


def _dying(step: Step, place: str) -> Step:
    def act(run: OperationRun) -> None:
        if place == "after":
            step.act(run)
        raise Killed

    return replace(step, act=act)


def die_at(monkeypatch: pytest.MonkeyPatch, operation: PluginOperation, step: str, place: str) -> None:
    """Let a worker die in the middle of an operation, and its time run out."""
    with monkeypatch.context() as patch:
        patch.setattr(operations, "local_recipe", dying(step, place))
        with pytest.raises(Killed):
            run_operation(operation.pk)
    lose(operation)


def lose(operation: PluginOperation) -> None:
    past = timezone.now() - timedelta(seconds=1)
    PluginOperation.objects.filter(pk=operation.pk).update(lease_until=past)


def go_on(operation: PluginOperation) -> PluginOperation:
    assert unattended_operations() == [operation.pk]
    assert run_operation(operation.pk) is not None
    operation.refresh_from_db()
    return operation


def records(verb: str, plugin_id: str) -> int:
    return AuditRecord.objects.filter(action=f"plugin.{verb}", target_id=plugin_id).count()


@pytest.mark.parametrize(
    ("step", "place"), [("find", "before"), *((step, "after") for step in ("find", "install", "activate", "start"))]
)
def test_install_goes_on_where_its_worker_died(
    manager: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch, step: str, place: str
) -> None:
    manager.register_plugin(Listener)
    operation = request_operation("install", "listener", {"config": {"volume": 3}}, user=admin)
    die_at(monkeypatch, operation, step, place)

    done = go_on(operation)

    assert (done.state, done.error_detail, done.arguments) == (OperationState.FINISHED, "", {})
    assert (records("install", "listener"), records("activate", "listener")) == (1, 1)
    plugin = manager.get_plugin("listener")
    assert (plugin.effective_state, plugin.config["volume"]) == ("active", 3)
    assert any(line["text"].startswith("Another worker goes on") for line in done.log)


@pytest.mark.parametrize(
    ("kind", "step", "place"),
    [
        ("update", "switch", "before"),
        ("update", "switch", "after"),
        ("update", "start", "after"),
        ("roll_back", "switch", "after"),
    ],
)
def test_update_and_roll_back_go_on_where_their_worker_died(
    manager: PluginManager, root: Path, admin: User, monkeypatch: pytest.MonkeyPatch, kind: str, step: str, place: str
) -> None:
    write_plugin(root)
    manager.install_plugin("sample")
    write_plugin(root, version="2.0.0", word="two")
    if kind == "roll_back":
        manager.update_plugin("sample")
    operation = request_operation(kind, "sample", {}, user=admin)
    die_at(monkeypatch, operation, step, place)

    done = go_on(operation)

    assert (done.state, done.error_detail) == (OperationState.FINISHED, "")
    assert manager.get_plugin("sample").version == {"update": "2.0.0", "roll_back": "1.0.0"}[kind]
    assert records({"update": "update", "roll_back": "rollback"}[kind], "sample") == 1


def test_version_that_can_not_start_is_put_back_by_the_worker_that_goes_on(
    manager: PluginManager, root: Path, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(root)
    manager.install_plugin("sample")
    write_plugin(
        root,
        version="2.0.0",
        code=BROKEN,
    )
    operation = request_operation("update", "sample", {}, user=admin)
    with monkeypatch.context() as patch:
        patch.setattr("gridkit_django.plugins.update._settle", _die)
        with pytest.raises(Killed):
            run_operation(operation.pk)
    lose(operation)
    assert InstalledPlugin.objects.get(plugin_id="sample").current_version.version == "2.0.0"  # type: ignore[union-attr]

    done = go_on(operation)

    assert (done.state, done.error_code) == (OperationState.FAILED, "plugin-initialize-failed")
    assert manager.get_plugin("sample").version == "1.0.0"


def test_swap_that_was_undone_has_failed_also_when_its_worker_could_not_say_so(
    manager: PluginManager, root: Path, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plugin(root)
    manager.install_plugin("sample")
    write_plugin(root, version="2.0.0", code=BROKEN)
    operation = request_operation("update", "sample", {}, user=admin)
    with monkeypatch.context() as patch:
        patch.setattr(OperationRun, "fail", _die)
        with pytest.raises(Killed):
            run_operation(operation.pk)
    lose(operation)
    assert manager.get_plugin("sample").version == "1.0.0"

    done = go_on(operation)

    assert (done.state, done.error_code) == (OperationState.FAILED, "plugin-initialize-failed")
    assert "2.0.0 could not start" in done.error_detail


def _die(*_arguments: object) -> None:
    raise Killed


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("activate", "before"),
        *((kind, "after") for kind in ("activate", "deactivate", "configure", "reload", "uninstall")),
    ],
)
def test_one_step_kinds_are_done_once(
    manager: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch, kind: str, place: str
) -> None:
    manager.register_plugin(Listener)
    manager.install_plugin("listener", activate=kind != "activate")
    before = records(kind, "listener")
    arguments = {"config": {"volume": 7}} if kind == "configure" else {}
    operation = request_operation(kind, "listener", arguments, user=admin)
    die_at(monkeypatch, operation, kind, place)

    assert go_on(operation).state == OperationState.FINISHED
    assert records(kind, "listener") == before + 1


def test_worker_that_lost_its_operation_changes_nothing(
    manager: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.register_plugin(Listener)
    manager.install_plugin("listener")
    operation = request_operation("deactivate", "listener", {}, user=admin)

    def slow(run: OperationRun) -> list[Step]:
        lose(operation)
        assert operations.claim(operation.pk) is not None
        return list(local_recipe(run))

    monkeypatch.setattr(operations, "local_recipe", slow)
    run_operation(operation.pk)

    operation.refresh_from_db()
    assert (operation.state, operation.fence, operation.results) == (OperationState.RUNNING, 2, {})
    assert manager.get_plugin("listener").desired_state == "active"


def test_step_that_kills_every_worker_is_undone_in_the_end(
    manager: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.register_plugin(Listener)
    operation = request_operation("install", "listener", {}, user=admin)
    for _ in range(DEATHS_MAX + 1):
        die_at(monkeypatch, operation, "install", "before")

    done = go_on(operation)

    assert (done.state, done.error_code) == (OperationState.FAILED, "operation-lost")
    assert "'install'" in done.error_detail


def test_what_was_done_before_a_step_that_kills_every_worker_is_undone(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    operation = request_operation("install", "listener", {}, user=admin)
    steps = [
        Step("first", lambda run: done.append("first"), lambda run: done.append("undo first")),
        Step("second", lambda run: _die()),
    ]
    for _ in range(DEATHS_MAX + 1):
        monkeypatch.setattr(operations, "local_recipe", lambda run: steps)
        with pytest.raises(Killed):
            run_operation(operation.pk)
        lose(operation)

    ended = go_on(operation)

    assert (done, ended.error_code, ended.results) == (["first", "undo first"], "operation-lost", {})


def test_operation_that_nobody_went_on_with_is_undone(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    operation = request_operation("install", "listener", {}, user=admin)
    steps = [
        Step("first", lambda run: done.append("first"), lambda run: done.append("undo first")),
        Step("second", lambda run: _die()),
        Step("third", lambda run: done.append("third"), stops=False),
    ]
    monkeypatch.setattr(operations, "local_recipe", lambda run: steps)
    with pytest.raises(Killed):
        run_operation(operation.pk)
    forget(operation)

    assert end_lost_operations() == 1

    operation.refresh_from_db()
    assert (done, operation.results) == (["first", "undo first"], {})
    assert (operation.state, operation.error_code) == (OperationState.FAILED, "operation-lost")


def test_operation_past_its_last_stop_is_carried_to_its_end_however_late(
    manager: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.register_plugin(Listener)
    operation = request_operation("install", "listener", {}, user=admin)
    die_at(monkeypatch, operation, "activate", "before")
    forget(operation)

    assert end_lost_operations() == 1

    operation.refresh_from_db()
    assert (operation.state, operation.error_detail) == (OperationState.FINISHED, "")
    assert manager.get_plugin("listener").effective_state == "active"


def forget(operation: PluginOperation) -> None:
    past = timezone.now() - timedelta(hours=1)
    PluginOperation.objects.filter(pk=operation.pk).update(lease_until=past)


def test_failure_is_undone_in_reverse_also_by_another_worker(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    deaths = [Killed()]

    def fail(_run: OperationRun) -> None:
        raise ZeroDivisionError

    def undo_second(_run: OperationRun) -> None:
        if deaths:
            raise deaths.pop()
        done.append("undo second")
        raise ValueError("it will not go")

    steps = [
        Step("first", lambda run: done.append("first"), lambda run: done.append("undo first")),
        Step("second", lambda run: done.append("second"), undo_second),
        Step("third", fail, lambda run: done.append("undo third")),
        Step("fourth", lambda run: done.append("fourth"), lambda run: done.append("undo fourth")),
    ]
    monkeypatch.setattr(operations, "local_recipe", lambda run: steps)
    operation = request_operation("install", "listener", {}, user=admin)
    with pytest.raises(Killed):
        run_operation(operation.pk)
    lose(operation)

    ended = go_on(operation)

    assert done == ["first", "second", "undo third", "undo second", "undo first"]
    assert (ended.state, ended.error_code, ended.results) == (OperationState.FAILED, "unexpected-error", {})
    assert any("The step second could not be undone" in line["text"] for line in ended.log)


def test_running_operation_is_stopped_at_its_next_chance_and_undone(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    operation = request_operation("install", "listener", {}, user=admin)

    def stop(run: OperationRun) -> None:
        run.report(0.5)
        assert cancel_operation(operation.pk) is not None
        done.append("first")

    steps = [
        Step("first", stop, lambda run: done.append("undo first")),
        Step("second", lambda run: done.append("second")),
    ]
    monkeypatch.setattr(operations, "local_recipe", lambda run: steps)
    run_operation(operation.pk)

    operation.refresh_from_db()
    assert (operation.state, operation.error_code) == (OperationState.CANCELLED, "operation-cancelled")
    assert done == ["first", "undo first"]


def test_waiting_operation_is_stopped_at_once_and_an_ended_one_not(admin: User) -> None:
    operation = request_operation("install", "listener", {"config": {"password": "x"}}, user=admin)

    assert cancel_operation(operation.pk).state == OperationState.CANCELLED  # type: ignore[union-attr]
    assert run_operation(operation.pk) is None
    again = cancel_operation(operation.pk)
    assert (again.state, again.arguments) == (OperationState.CANCELLED, {})  # type: ignore[union-attr]


def test_worker_that_has_to_end_gives_its_operation_back(
    manager: PluginManager, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(_run: OperationRun) -> list[Step]:
        raise SystemExit

    manager.register_plugin(Explosive)
    operation = request_operation("install", "explosive", {}, user=admin)
    with monkeypatch.context() as patch:
        patch.setattr(operations, "local_recipe", leave)
        with pytest.raises(SystemExit):
            run_operation(operation.pk)
    assert go_on(operation).state == OperationState.FINISHED
