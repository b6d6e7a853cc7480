"""The runtime of one process: reports, its row, wake-ups, forks, and databases that are not there."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection, connections, transaction
from django.utils import timezone

from gridkit_django.models import (
    EffectiveState,
    InstalledPlugin,
    PluginVersion,
    RuntimeGeneration,
    RuntimeProcess,
)
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, PluginRuntime
from gridkit_django.plugins.reports import StateReport, VersionReport
from gridkit_django.plugins.wakeups import Wakeups
from tests.plugins.samples import Listener, metadata

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_report_of_another_revision_is_dropped(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    row = InstalledPlugin.objects.get()
    manager.runtime.reporter.report(StateReport("listener", row.revision + 1, EffectiveState.QUARANTINED, "late"))
    manager.runtime.reporter.report(StateReport("nobody", 1, EffectiveState.QUARANTINED, "late"))
    manager.runtime.reporter.report(VersionReport("nobody", Listener.metadata, {}, "d"))
    assert InstalledPlugin.objects.get().effective_state == "active"
    version = PluginVersion.objects.get()
    manager.runtime.reporter.report(VersionReport("listener", Listener.metadata, {}, version.digest))
    assert PluginVersion.objects.get() == version


def test_process_reports_itself_when_something_changed_or_time_passed(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    row = RuntimeProcess.objects.get()
    assert (row.pid, row.plugins, row.generation) == (os.getpid(), {"listener": 2}, manager.runtime.generation)
    manager.runtime.housekeeping()
    assert RuntimeProcess.objects.get().seen_at == row.seen_at
    manager.runtime.process._written_at -= 3600
    manager.runtime.housekeeping()
    assert RuntimeProcess.objects.get().seen_at > row.seen_at


def test_rows_of_silent_processes_are_dropped(manager: PluginManager) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    RuntimeProcess.objects.create(host="gone", pid=1, kind="web", started_at=long_ago, seen_at=long_ago)
    manager.install_plugin(Listener)
    assert list(RuntimeProcess.objects.values_list("pid", flat=True)) == [os.getpid()]


def test_requests_and_tasks_wake_the_runtime_up_and_name_the_process(manager: PluginManager) -> None:
    runtime = PluginRuntime()
    wakeups = Wakeups(PluginManager(runtime))
    wakeups.task_began()
    wakeups.request_began()
    assert runtime.process.kind == "celery", "the first says what the process is"
    wakeups.ended()
    assert not RuntimeProcess.objects.exists(), "nothing was used, so there is nothing to report"
    before = runtime.process.describe()
    wakeups.worker_forked()
    assert runtime.process.describe() == before
    request_started.send(sender=None)
    assert manager.runtime._freshness.is_due
    manager.ensure_current()
    RuntimeProcess.objects.all().delete()
    manager.runtime.process._written = None
    receivers = [item for item in request_finished.receivers if "gridkit_django.plugins.ended" in str(item[0])]
    assert len(receivers) == 1
    Wakeups(manager).ended()
    assert RuntimeProcess.objects.exists()
    manager.runtime.on_put = manager._noticed


def test_forked_child_is_a_process_of_its_own(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    connections.close_all()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = f"{manager.runtime.process.pid == os.getpid()} {manager.runtime._freshness.is_due}"
        os.write(writing, found.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"True True"
    os.close(reading)
    os.close(writing)


def test_changed_pid_is_noticed_without_the_hook_too(manager: PluginManager) -> None:
    manager.ensure_current()
    manager.runtime.process.pid = 0
    manager.runtime.mark_unchecked()
    manager.ensure_current()
    assert manager.runtime.process.pid == os.getpid()


def test_while_one_thread_follows_the_others_go_on(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    with manager.runtime._turns.taken(0.2) as mine:
        assert mine
        answers: list[bool] = []

        def elsewhere() -> None:
            with manager.runtime._turns.taken(0.2) as taken:
                answers.append(taken)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join(5)
        with manager.runtime._turns.taken(0.2) as again:
            answers.append(again)
    assert answers == [False, False]


def test_plugin_that_changes_plugins_while_it_starts_is_followed_at_the_next_use(manager: PluginManager) -> None:
    class Meddler(Plugin):
        metadata = metadata("meddler")

        def initialize(self, context: PluginContext) -> None:
            if manager.get_plugin("listener").desired_state == "active":
                manager.deactivate_plugin("listener")

    manager.install_plugin(Listener)
    manager.install_plugin(Meddler)
    manager.ensure_current()
    assert list(manager.runtime.live) == ["meddler"]
    manager.runtime.catalog.remove_object("meddler")


def test_missing_tables_leave_the_site_running_and_are_logged(
    manager: PluginManager, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = PluginRuntime()
    table = RuntimeGeneration._meta.db_table
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO gone_for_a_test")
        runtime.ensure_current()
        assert runtime.generation == -1
        assert "can't be read" in caplog.text
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE gone_for_a_test RENAME TO {table}")
    runtime.follow()
    assert runtime.generation == manager.runtime.generations.current()


def test_wrong_settings_leave_the_plugins_as_they_are(
    manager: PluginManager, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    manager.install_plugin(Listener)
    settings.GRIDKIT = {"NONSENSE": 1}
    manager.runtime.follow()
    assert list(manager.runtime.live) == ["listener"]
    assert "can't be read" in caplog.text
    settings.GRIDKIT = {}


@pytest.mark.django_db(databases=[])
def test_database_out_of_reach_is_logged_and_asked_again(
    manager: PluginManager, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = PluginRuntime()
    runtime.ensure_current()
    runtime.follow()
    runtime.generation = 0
    runtime.housekeeping()
    assert "could not report itself" in caplog.text
    assert runtime._freshness.is_due
