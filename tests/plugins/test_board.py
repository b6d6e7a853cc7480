"""The board: what a process says about itself, and which processes run a plugin as it is wanted."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.exceptions import PluginNotFoundError
from gridkit_django.models import InstalledPlugin, RuntimeProcess
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.processes import Convergence, ProcessReport
from tests.plugins.samples import Explosive, Listener

pytestmark = pytest.mark.django_db(transaction=True)


def _process(pid: int, plugins: dict[str, int], *, kind: str = "web", silent: float = 0, **values: Any) -> None:
    now = timezone.now()
    RuntimeProcess.objects.create(
        host="h", pid=pid, kind=kind, plugins=plugins, started_at=now, seen_at=now - timedelta(seconds=silent), **values
    )


def _pids(found: Convergence) -> tuple[list[int], list[int]]:
    return [process.pid for process in found.on], [process.pid for process in found.behind]


@pytest.fixture
def revision(manager: PluginManager) -> int:
    """The revision of the installed and active listener; no process is on the board."""
    manager.install_plugin(Listener)
    RuntimeProcess.objects.all().delete()
    return InstalledPlugin.objects.get().revision


@pytest.mark.both_databases
def test_processes_with_the_wanted_revision_are_on_and_the_others_behind(manager: PluginManager, revision: int) -> None:
    _process(1, {"listener": revision})
    _process(2, {"listener": revision - 1}, last_error="listener: no fuse")
    _process(3, {}, kind="celery", safe_mode=True)
    found = manager.convergence("listener")
    assert _pids(found) == ([1], [2, 3])
    assert (found.plugin_id, found.revision) == ("listener", revision)
    assert [(process.kind, process.safe_mode, process.last_error) for process in found.behind] == [
        ("web", False, "listener: no fuse"),
        ("celery", True, ""),
    ]


def test_commands_and_silent_processes_are_not_counted(manager: PluginManager, revision: int, settings: Any) -> None:
    settings.GRIDKIT = {"HEARTBEAT_SECONDS": 10}
    _process(1, {}, kind="command")
    _process(2, {}, silent=41)
    _process(3, {"listener": revision}, silent=39)
    assert _pids(manager.convergence("listener")) == ([3], [])


def test_plugin_that_is_not_to_run_is_agreed_on_where_it_does_not_run(manager: PluginManager, revision: int) -> None:
    _process(1, {})
    _process(2, {"listener": revision})
    InstalledPlugin.objects.update(effective_state="suspended")
    suspended = manager.convergence("listener")
    manager.activate_plugin("listener")
    manager.deactivate_plugin("listener")
    RuntimeProcess.objects.filter(pid=os.getpid()).delete()
    assert _pids(suspended) == _pids(manager.convergence("listener")) == ([1], [2])
    assert suspended.revision is None


def test_convergence_of_a_plugin_that_is_not_installed_is_an_error(manager: PluginManager) -> None:
    with pytest.raises(PluginNotFoundError):
        manager.convergence("nobody")


def test_process_says_why_it_does_not_run_a_plugin_until_it_does(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.install_plugin(Explosive, activate=False)
    monkeypatch.setattr(Explosive, "fuse", [ValueError("too short")])
    with pytest.raises(Exception, match="too short"):
        manager.activate_plugin("explosive")
    assert "too short" in RuntimeProcess.objects.get().last_error
    monkeypatch.setattr(Explosive, "fuse", [])
    manager.activate_plugin("explosive")
    assert RuntimeProcess.objects.get().last_error == ""


def test_process_in_safe_mode_says_so_and_runs_nothing(manager: PluginManager, settings: Any) -> None:
    manager.install_plugin(Listener)
    settings.GRIDKIT = {"PLUGINS_SAFE_MODE": True}
    manager.follow()
    row = RuntimeProcess.objects.get()
    assert (row.safe_mode, row.plugins, list(manager.runtime.live)) == (True, {}, [])


def test_long_reason_is_cut_to_what_the_board_shows(manager: PluginManager) -> None:
    manager.runtime.process.write(ProcessReport(1, {}, safe_mode=False, last_error="x" * 5000))
    assert len(RuntimeProcess.objects.get().last_error) == 2000


def test_report_that_another_thread_just_wrote_is_not_written_again(manager: PluginManager) -> None:
    report = ProcessReport(1)
    manager.runtime.process.write(report)
    RuntimeProcess.objects.all().delete()
    manager.runtime.process.write(report)
    assert not RuntimeProcess.objects.exists()
