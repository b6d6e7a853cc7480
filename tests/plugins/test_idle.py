"""The idle thread: when it runs, when it looks, what it survives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection, connections
from django.utils import timezone

from gridkit_django.models import InstalledPlugin, RuntimeProcess
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.hints import HintChannel
from gridkit_django.plugins.idle import IdleThread
from gridkit_django.plugins.wakeups import Wakeups
from tests.plugins.samples import Listener
from tests.servers.processes import wait_until

LONG = {"POLL_SECONDS": 600}


class Looks:
    """Counts looks, and raises when it is told to."""

    def __init__(self) -> None:
        self.count = 0
        self.error: Exception | None = None
        self.threads: set[str] = set()

    def __call__(self) -> None:
        self.count += 1
        self.threads.add(threading.current_thread().name)
        if self.error is not None:
            raise self.error

    def await_after(self, act: Callable[[], object]) -> None:
        """Do something, and wait for the look that comes of it."""
        seen = self.count
        act()
        wait_until(lambda: self.count > seen, "a look", seconds=10)


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def idle(looks: Looks, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[IdleThread]:
    """An idle thread that may run whatever the suite's database is, and looks when it is woken."""
    settings.GRIDKIT = LONG
    monkeypatch.setattr("gridkit_django.plugins.idle._is_in_memory", lambda: False)
    made = IdleThread(looks, HintChannel())
    yield made
    made.stop()


def test_thread_looks_when_it_is_woken_and_not_before(idle: IdleThread, looks: Looks) -> None:
    idle.wake()
    assert (idle.start(), idle.is_running, looks.count) == (True, True, 0)
    idle.wake()
    wait_until(lambda: looks.count == 1, "the look")
    assert looks.threads == {"gridkit idle"}


def test_thread_looks_by_itself_every_poll_seconds(idle: IdleThread, looks: Looks, settings: Any) -> None:
    settings.GRIDKIT = {"POLL_SECONDS": 1}
    looks.await_after(idle.start)
    looks.await_after(lambda: None)


def test_starting_twice_makes_one_thread(idle: IdleThread) -> None:
    idle.start()
    run = idle._run
    assert idle.start()
    assert idle._run is run
    assert [thread.name for thread in threading.enumerate()].count("gridkit idle") == 1


def test_stopped_thread_is_gone_at_once(idle: IdleThread) -> None:
    idle.start()
    run = idle._run
    assert run is not None
    idle.stop()
    idle.stop()
    assert not idle.is_running
    assert not any(thread.is_alive() for thread in run.threads)


def test_look_that_stops_its_own_thread_does_not_wait_for_itself(
    idle: IdleThread, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "_look", idle.stop)
    idle.start()
    run = idle._run
    assert run is not None
    idle.wake()
    wait_until(lambda: not run.threads[0].is_alive(), "the end of the thread", seconds=4)


def test_look_that_fails_is_logged_once_and_tried_again(
    idle: IdleThread, looks: Looks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "gridkit_django.plugins")
    looks.error = OSError("the line is cut")
    idle.start()
    for _ in range(3):
        looks.await_after(idle.wake)
    looks.error = None
    looks.await_after(idle.wake)
    wait_until(lambda: "looks for changes again" in caplog.text, "the news that it works again")
    assert caplog.text.count("the line is cut") == 1


def test_child_forgets_the_thread_of_its_parent(idle: IdleThread) -> None:
    idle.start()
    run = idle._run
    idle.forget()
    assert not idle.is_running
    assert idle.start()
    assert run is not None
    run.stopping.set()
    run.woken.set()


def test_thread_listens_for_hints_where_the_settings_name_a_redis(
    idle: IdleThread, looks: Looks, settings: Any, redis_url: str
) -> None:
    settings.GRIDKIT = {**LONG, "HINT_URL": redis_url}
    looks.await_after(idle.start)
    looks.await_after(HintChannel().publish)


@pytest.mark.django_db
def test_thread_never_starts_on_a_database_in_memory(manager: PluginManager) -> None:
    started = manager.runtime.idle.start()
    manager.runtime.idle.stop()
    assert started == (connection.vendor != "sqlite")


def _begins(manager: PluginManager, sender: object) -> bool:
    """Let a request of a kind begin; whether the idle thread runs then."""
    Wakeups(manager).request_began(sender=sender)
    try:
        return manager.runtime.idle.is_running
    finally:
        manager.runtime.idle.stop()


@pytest.fixture
def outside_tests(monkeypatch: pytest.MonkeyPatch, manager: PluginManager, settings: Any) -> None:
    """As it is in a process that serves: no test environment, a database that others can change."""
    settings.GRIDKIT = LONG
    monkeypatch.delattr(mail, "outbox")
    monkeypatch.setattr("gridkit_django.plugins.idle._is_in_memory", lambda: False)


@pytest.mark.usefixtures("outside_tests")
def test_request_of_a_real_server_starts_the_thread_and_that_of_a_test_client_does_not(
    manager: PluginManager,
) -> None:
    assert _begins(manager, WSGIHandler)
    assert not _begins(manager, SimpleNamespace)
    assert not _begins(manager, None)


@pytest.mark.usefixtures("outside_tests")
def test_task_of_a_worker_starts_the_thread_and_an_eager_one_does_not(manager: PluginManager) -> None:
    wakeups = Wakeups(manager)
    wakeups.task_began(task=None)
    wakeups.task_began(task=SimpleNamespace(request=SimpleNamespace(is_eager=True)))
    assert not manager.runtime.idle.is_running
    wakeups.task_began(task=SimpleNamespace(request=SimpleNamespace(is_eager=False)))
    assert manager.runtime.idle.is_running


def test_request_of_a_real_server_in_a_test_run_starts_no_thread(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gridkit_django.plugins.idle._is_in_memory", lambda: False)
    assert not _begins(manager, WSGIHandler)


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_look_follows_what_another_process_did_and_shows_that_this_one_lives(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    InstalledPlugin.objects.update(desired_state="inactive", effective_state="installed", revision=7)
    manager.runtime.generations.bump()
    RuntimeProcess.objects.all().delete()

    manager.runtime.look()

    assert list(manager.runtime.live) == []
    assert RuntimeProcess.objects.get().generation == manager.runtime.generation


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_look_without_news_asks_one_question(
    manager: PluginManager, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.install_plugin(Listener)
    manager.runtime.look()
    # What others do now and then has its own tests.
    monkeypatch.setattr(manager.runtime, "chores", ())
    with django_assert_num_queries(1):
        manager.runtime.look()


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_thread_gives_its_connection_back_after_each_look(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.GRIDKIT = LONG
    monkeypatch.setattr("gridkit_django.plugins.idle._is_in_memory", lambda: False)
    open_then: list[bool] = []

    def look() -> None:
        connections["default"].ensure_connection()

    def closed() -> None:
        real_close_all()
        open_then.append(connections["default"].connection is not None)

    real_close_all = connections.close_all
    monkeypatch.setattr("gridkit_django.plugins.idle.connections.close_all", closed)
    if connection.vendor == "sqlite":
        monkeypatch.setattr(connections["default"].__class__, "ensure_connection", lambda self: None)
    idle = IdleThread(look, HintChannel())
    idle.start()
    idle.wake()
    wait_until(lambda: bool(open_then), "the look")
    idle.stop()
    assert open_then[0] is False


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_request_end_leaves_heartbeat_and_chores_to_the_running_thread(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.install_plugin(Listener)
    done: list[str] = []
    monkeypatch.setattr(manager.runtime, "chores", (lambda: done.append("chore"),))
    manager.runtime.settle()
    assert done == ["chore"]
    monkeypatch.setattr(type(manager.runtime.idle), "is_running", property(lambda self: True))
    manager.runtime.settle()
    assert done == ["chore"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_chores_are_done_by_one_thread_at_a_time_and_outlive_each_other(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    manager.install_plugin(Listener)
    done: list[str] = []

    def broken() -> None:
        raise ZeroDivisionError("a broken chore")

    def again() -> None:
        done.append("chore")
        manager.runtime.housekeeping()

    monkeypatch.setattr(manager.runtime, "chores", (broken, again))
    manager.runtime.housekeeping()
    assert done == ["chore"]
    assert "a broken chore" in caplog.text


@pytest.fixture
def serving(manager: PluginManager, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginManager]:
    """As it is in a process that serves: its row is written, and its idle thread runs."""
    monkeypatch.setattr("gridkit_django.plugins.idle._is_in_memory", lambda: False)
    monkeypatch.setattr(manager.runtime.idle, "_look", lambda: None)
    manager.install_plugin(Listener)
    manager.runtime.idle.start()
    yield manager
    manager.runtime.idle.stop()
    manager.runtime.process.renew()


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_row_of_a_process_that_ends_in_order_is_gone_at_once_and_not_written_again(serving: PluginManager) -> None:
    RuntimeProcess.objects.create(host="other", pid=1, started_at=timezone.now(), seen_at=timezone.now())
    assert RuntimeProcess.objects.count() == 2

    Wakeups(serving).process_ends()
    serving.runtime.process.hurry()
    serving.runtime.housekeeping()

    assert [row.host for row in RuntimeProcess.objects.all()] == ["other"]


@pytest.mark.django_db(transaction=True)
def test_row_of_a_command_that_ends_is_left_to_time(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    Wakeups(manager).process_ends()
    assert RuntimeProcess.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_process_whose_database_is_away_ends_all_the_same(
    serving: PluginManager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OperationalError("the server is gone")

    caplog.set_level("INFO", "gridkit_django.plugins")
    monkeypatch.setattr(serving.runtime.process, "leave", fail)
    Wakeups(serving).process_ends()
    assert "could not say that it ends" in caplog.text
    assert "the server is gone" in caplog.text
