"""The begin and the end of a plugin: drained before it is destroyed, tried again where that may help."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connections

from gridkit_django.events import GridEvent, event_bus, make_event
from gridkit_django.exceptions import PluginInitializeError
from gridkit_django.models import AuditRecord
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, PluginNotReadyError, handles, starting
from gridkit_django.plugins.retry import LONGEST_SECONDS, Failures, may_pass, retry_seconds
from tests.plugins.samples import Explosive, Listener, Needy, metadata

pytestmark = [pytest.mark.django_db(transaction=True)]


class Busy(Plugin):
    """Is at work until it is told to go."""

    metadata = metadata("busy", required_permissions=("events:subscribe",))
    life: list[str] = []
    inside, go = threading.Event(), threading.Event()

    @handles("row:update")
    def work(self, event: GridEvent) -> None:
        self.inside.set()
        self.go.wait(20)
        self.life.append(f"worked {self.context.plugin_id}")

    def destroy(self) -> None:
        self.life.append("destroy")


@pytest.fixture
def busy(manager: PluginManager) -> Iterator[threading.Thread]:
    Busy.life.clear()
    Busy.inside.clear()
    Busy.go.clear()
    manager.install_plugin(Busy)

    def act() -> None:
        event_bus().emit(make_event("row:update", {"rowId": "1"}, grid="plugin-orders"))
        connections.close_all()

    thread = threading.Thread(target=act)
    thread.start()
    assert Busy.inside.wait(10)
    yield thread
    Busy.go.set()
    thread.join(20)
    manager.runtime.catalog.remove_object("busy")


def test_plugin_is_destroyed_after_the_call_under_way(manager: PluginManager, busy: threading.Thread) -> None:
    release = threading.Timer(0.2, Busy.go.set)
    release.start()
    manager.deactivate_plugin("busy")
    busy.join(20)
    assert Busy.life == ["worked busy", "destroy"]


def test_call_that_does_not_end_holds_the_end_up_for_a_while_only(
    manager: PluginManager, busy: threading.Thread, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(starting, "DRAIN_SECONDS", 0.05)
    manager.deactivate_plugin("busy")
    assert Busy.life == ["destroy"]
    assert "busy still had calls under way after 0.05 s" in caplog.text


@pytest.fixture
def clock(manager: PluginManager) -> Iterator[Callable[[float], None]]:
    """Move the clock of what failed forward; it stands still by itself, however long a test takes."""
    failures, ahead, begun = manager.runtime._follower.failures, 0.0, time.monotonic()

    def move(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    failures._clock = lambda: begun + ahead
    yield move
    failures._clock = time.monotonic
    Explosive.fuse.clear()


def look_again(manager: PluginManager) -> str:
    manager.runtime.mark_unchecked()
    manager.ensure_current()
    return manager.get_plugin("explosive").effective_state


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "error", [PluginNotReadyError("soon"), OperationalError("down"), ConnectionRefusedError("no"), TimeoutError("late")]
)
def test_plugin_that_is_not_ready_is_tried_again_later_and_later(
    manager: PluginManager, clock: Callable[[float], None], error: Exception
) -> None:
    Explosive.fuse[:] = [error]
    with pytest.raises(PluginNotReadyError, match="could not start yet"):
        manager.install_plugin(Explosive)
    for wait in (1, 2, 4):
        clock(wait - 0.9)
        assert look_again(manager) == "error"
        failure = manager.runtime._follower.failures.get("explosive", manager.get_plugin("explosive").revision)
        assert failure is not None
        before = failure.attempts
        clock(0.95)
        assert look_again(manager) == "error"
        failure = manager.runtime._follower.failures.get("explosive", manager.get_plugin("explosive").revision)
        assert failure is not None
        assert failure.attempts == before + 1
    assert AuditRecord.objects.filter(action="plugin.error").count() == 1, "trying again is no news"
    Explosive.fuse.clear()
    clock(8.1)
    assert look_again(manager) == "active"
    record = AuditRecord.objects.get(action="plugin.recover")
    assert record.actor_kind == "system"
    assert record.context["evidence"]["was"] == "plugin-not-ready"
    assert "could not start yet" in record.context["evidence"]["reason"]
    assert not manager.runtime._follower.failures.any_due()


def test_idle_thread_tries_again_too(manager: PluginManager, clock: Callable[[float], None]) -> None:
    Explosive.fuse[:] = [PluginNotReadyError("soon")]
    with pytest.raises(PluginNotReadyError):
        manager.install_plugin(Explosive)
    Explosive.fuse.clear()
    manager.runtime.look()
    assert "explosive" not in manager.runtime.live, "its time has not come"
    clock(1.1)
    manager.runtime.look()
    assert "explosive" in manager.runtime.live


def test_broken_plugin_is_not_tried_again(manager: PluginManager, clock: Callable[[float], None]) -> None:
    Explosive.fuse[:] = [ValueError("bang")]
    with pytest.raises(PluginInitializeError, match="bang"):
        manager.install_plugin(Explosive)
    Explosive.fuse.clear()
    clock(10_000)
    assert look_again(manager) == "quarantined"


def test_old_object_serves_while_the_new_one_is_not_ready(
    manager: PluginManager, clock: Callable[[float], None]
) -> None:
    manager.install_plugin(Explosive)
    old = manager.runtime.live["explosive"]
    Explosive.fuse[:] = [PluginNotReadyError("soon")]
    with pytest.raises(PluginNotReadyError):
        manager.configure_plugin("explosive", {})
    assert (look_again(manager), manager.runtime.live["explosive"] is old) == ("degraded", True)
    Explosive.fuse.clear()
    clock(1.1)
    assert (look_again(manager), manager.runtime.live["explosive"] is old) == ("active", False)


def test_plugin_that_needs_one_that_is_not_ready_comes_with_it(
    manager: PluginManager, clock: Callable[[float], None]
) -> None:
    class Late(Plugin):
        """The peer that others wait for."""

        metadata = metadata("listener", version="1.5")
        waits: list[bool] = []

        def initialize(self, context: PluginContext) -> None:
            if self.waits:
                raise PluginNotReadyError("soon")

    manager.install_plugin(Late)
    manager.install_plugin(Needy)
    manager.stop_all()
    Late.waits.append(True)
    manager.ensure_current()
    assert list(manager.runtime.live) == []
    assert manager.get_plugin("needy").effective_state == "incompatible"
    assert "needs listener" in manager.get_plugin("needy").state_reason
    Late.waits.clear()
    clock(1.1)
    manager.runtime.mark_unchecked()
    manager.ensure_current()
    assert list(manager.runtime.live) == ["listener", "needy"]
    assert manager.get_plugin("needy").effective_state == "active"


def test_only_what_lies_outside_may_pass() -> None:
    passing = (PluginNotReadyError("x"), OperationalError(), InterfaceError(), ConnectionResetError(), TimeoutError())
    assert all(may_pass(error) for error in passing)
    assert not any(may_pass(error) for error in (ValueError(), SystemExit(), OSError(), PluginInitializeError("x")))


def test_waiting_doubles_up_to_ten_minutes() -> None:
    assert [retry_seconds(attempts) for attempts in (1, 2, 3, 10, 11, 5000)] == [1, 2, 4, 512, LONGEST_SECONDS, 600]


def test_failures_are_of_one_revision() -> None:
    now = 100.0
    failures = Failures(lambda: now)
    failures.remember("a", 1, PluginNotReadyError("x"))
    assert (failures.is_held("a", 1), failures.is_held("a", 2), failures.is_held("b", 1)) == (True, False, False)
    assert failures.remember("a", 1, PluginNotReadyError("x")).attempts == 2
    assert failures.remember("a", 2, PluginNotReadyError("x")).attempts == 1
    assert failures.remember("b", 1, PluginInitializeError("x")).due is None
    assert failures.remember("c", 1, PluginInitializeError("x"), wait=30).due == 130
    now = 140.0
    assert (failures.any_due(), failures.is_held("b", 1), failures.is_held("c", 1)) == (True, True, False)
    failures.keep({"b": 1, "c": 7})
    assert [key for key, _ in failures.items()] == ["b"]
    failures.forget("b")
    failures.forget("nobody")
    assert (list(failures.items()), failures.any_due()) == ([], False)


def test_unrelated_plugin_is_not_touched_by_trying_again(manager: PluginManager, clock: Any) -> None:
    manager.install_plugin(Listener)
    live = manager.runtime.live["listener"]
    Explosive.fuse[:] = [PluginNotReadyError("soon")]
    with pytest.raises(PluginNotReadyError):
        manager.install_plugin(Explosive)
    clock(1.1)
    look_again(manager)
    assert manager.runtime.live["listener"] is live
