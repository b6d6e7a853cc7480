"""Plugins that kill processes: noticed by what the dead process wrote down, held back, and in the end quarantined."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from gridkit_django.models import AuditRecord, InstalledPlugin, PluginCrash
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.boot import FORGOTTEN_AFTER_SECONDS, BootRecord, record_folder
from gridkit_django.plugins.crashes import FIRST_HOLD_SECONDS
from gridkit_django.plugins.processes import ProcessRow
from tests.plugins.samples import Listener, write_plugin
from tests.servers.measuring import PASSED_ON

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

KILLER = """
import os, signal
from gridkit_django.plugins import Plugin

class Sample(Plugin):
    def {step}(self, *_):
        os.kill(os.getpid(), signal.SIGKILL)
"""
QUIET = KILLER.format(step="nothing")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, settings: Any) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    settings.GRIDKIT = {"PLUGIN_ROOT": str(folder), "STATE_DIR": str(tmp_path / "state"), "HOT_RELOAD": False}
    return folder


@pytest.fixture
def record() -> BootRecord:
    return BootRecord(ProcessRow())


def in_child(act: Callable[[], object]) -> int:
    """Do something in a forked process, which is not measured; return the signal that ended it, 0 for none."""
    connections.close_all()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(PASSED_ON, raising=False)
        child = os.fork()
        if child == 0:
            try:
                act()
            finally:
                os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def kill_once(manager: PluginManager) -> None:
    """Let a process start what is wanted, and die of it."""
    assert in_child(manager.ensure_current) == signal.SIGKILL


def follow_afresh(manager: PluginManager) -> None:
    manager.stop_all()
    manager.ensure_current()


def let_time_pass() -> None:
    """Make the plugin due: put back the time until which every process leaves it out."""
    row = InstalledPlugin.objects.get(plugin_id="sample")
    row.state_evidence["retry_at"] = (timezone.now() - timedelta(seconds=1)).isoformat()
    row.save()


def seconds_held() -> float:
    evidence = InstalledPlugin.objects.get(plugin_id="sample").state_evidence
    return (datetime.fromisoformat(evidence["retry_at"]) - timezone.now()).total_seconds()


def install(manager: PluginManager, root: Path, step: str = "initialize") -> None:
    """Install a harmless plugin, then put the one that kills at its place."""
    manager.install_plugin(Listener)
    write_plugin(root, code=QUIET)
    manager.install_plugin("folder:sample")
    manager.stop_all()
    write_plugin(root, code=KILLER.format(step=step))


def state(manager: PluginManager) -> tuple[str, str]:
    info = manager.get_plugin("sample")
    assert info.desired_state == "active", "the wish stays"
    return info.effective_state, info.state_code


def test_plugin_that_kills_its_process_is_skipped_then_tried_then_quarantined(
    manager: PluginManager, root: Path
) -> None:
    install(manager, root)
    for kills in (1, 2):
        kill_once(manager)
        follow_afresh(manager)
        assert list(manager.runtime.live) == ["listener"], "the site starts, and the neighbour answers"
        assert state(manager) == ("error", "plugin-killed-process")
        assert FIRST_HOLD_SECONDS * kills - 10 < seconds_held() <= FIRST_HOLD_SECONDS * kills
        let_time_pass()
    kill_once(manager)
    follow_afresh(manager)
    assert state(manager) == ("quarantined", "plugin-killed-process")
    follow_afresh(manager)
    assert list(manager.runtime.live) == ["listener"], "it is not tried again by itself"
    assert [(item.step, item.plugin.plugin_id) for item in PluginCrash.objects.all()] == [("initialize", "sample")] * 3
    told = AuditRecord.objects.filter(action__in=["plugin.error", "plugin.quarantine"]).order_by("pk")
    assert [item.action for item in told] == ["plugin.error", "plugin.error", "plugin.quarantine"]
    assert {item.actor_kind for item in told} == {"system"}
    assert "3 times within ten minutes" in told[2].context["evidence"]["reason"]
    assert told[2].context["evidence"]["kills"] == 3


def test_other_content_leaves_the_quarantine_of_a_plugin_that_killed(manager: PluginManager, root: Path) -> None:
    install(manager, root)
    for _ in range(3):
        kill_once(manager)
        follow_afresh(manager)
        if state(manager)[0] == "error":
            let_time_pass()
    write_plugin(root, code=QUIET, version="1.0.1")
    follow_afresh(manager)
    assert state(manager) == ("active", "")


def test_held_plugin_is_tried_again_in_the_same_process_when_its_time_has_come(
    manager: PluginManager, root: Path
) -> None:
    install(manager, root)
    kill_once(manager)
    follow_afresh(manager)
    write_plugin(root, code=QUIET)
    manager.runtime.mark_unchecked()
    manager.ensure_current()
    assert "sample" not in manager.runtime.live, "held back, whatever its content"
    let_time_pass()
    failures = manager.runtime._follower.failures
    failures._clock = lambda: time.monotonic() + 3 * FIRST_HOLD_SECONDS
    manager.runtime.mark_unchecked()
    manager.ensure_current()
    assert "sample" in manager.runtime.live
    assert state(manager) == ("active", "")
    failures._clock = time.monotonic


def test_administrator_may_try_it_at_once(manager: PluginManager, root: Path) -> None:
    install(manager, root)
    kill_once(manager)
    follow_afresh(manager)
    write_plugin(root, code=QUIET)
    assert manager.activate_plugin("sample").effective_state == "active"


@pytest.mark.parametrize("step", ["load", "reload", "destroy"])
def test_each_step_is_written_down(manager: PluginManager, root: Path, step: str) -> None:
    method = {"load": "__init_subclass__", "reload": "on_hot_reload", "destroy": "destroy"}[step]
    install(manager, root, method)
    if step == "load":
        write_plugin(root, code="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    acts: dict[str, Callable[[], object]] = {
        "load": manager.ensure_current,
        "reload": lambda: (manager.ensure_current(), manager.configure_plugin("sample", {})),
        "destroy": lambda: (manager.ensure_current(), manager.stop_all()),
    }
    assert in_child(acts[step]) == signal.SIGKILL
    follow_afresh(manager)
    crash = PluginCrash.objects.get()
    assert (crash.step, crash.plugin.plugin_id, crash.host) == (step, "sample", ProcessRow().describe()["host"])


def test_crash_of_a_plugin_that_is_not_wanted_any_more_is_stored_and_changes_nothing(
    manager: PluginManager, root: Path
) -> None:
    install(manager, root, "destroy")
    assert in_child(lambda: (manager.ensure_current(), manager.stop_all())) == signal.SIGKILL
    InstalledPlugin.objects.filter(plugin_id="sample").update(desired_state="inactive", effective_state="installed")
    follow_afresh(manager)
    assert PluginCrash.objects.count() == 1
    assert InstalledPlugin.objects.get(plugin_id="sample").effective_state == "installed"


def test_leftover_of_a_plugin_that_is_gone_is_dropped(manager: PluginManager, root: Path, record: BootRecord) -> None:
    install(manager, root)
    kill_once(manager)
    InstalledPlugin.objects.filter(plugin_id="sample").update(current_version=None)
    InstalledPlugin.objects.filter(plugin_id="sample").delete()
    follow_afresh(manager)
    assert (PluginCrash.objects.count(), list(record.leftovers())) == (0, [])


def test_inside_a_transaction_nothing_is_stored_but_the_plugin_is_left_out(
    manager: PluginManager, root: Path, record: BootRecord
) -> None:
    install(manager, root)
    kill_once(manager)
    with transaction.atomic():
        follow_afresh(manager)
        assert list(manager.runtime.live) == ["listener"]
        transaction.set_rollback(True)
    assert (PluginCrash.objects.count(), len(list(record.leftovers()))) == (0, 1)
    manager.runtime.housekeeping()
    assert (PluginCrash.objects.count(), len(list(record.leftovers()))) == (1, 0)
    assert state(manager) == ("error", "plugin-killed-process")


def test_crash_that_can_not_be_stored_is_kept_for_later(
    manager: PluginManager, root: Path, record: BootRecord, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if PluginCrash._meta.db_table in sql and sql.startswith("INSERT"):
            raise OperationalError("the disk is full")
        return execute(sql, *rest)

    install(manager, root)
    kill_once(manager)
    with connection.execute_wrapper(refuse):
        follow_afresh(manager)
    assert list(manager.runtime.live) == ["listener"]
    assert "this can't be stored" in caplog.text
    assert len(list(record.leftovers())) == 1
    manager.runtime.housekeeping()
    assert PluginCrash.objects.count() == 1


def test_safe_mode_leaves_the_leftovers_alone(
    manager: PluginManager, root: Path, record: BootRecord, settings: Any
) -> None:
    install(manager, root)
    kill_once(manager)
    before = list(InstalledPlugin.objects.values())
    settings.GRIDKIT = {**settings.GRIDKIT, "PLUGINS_SAFE_MODE": True}
    follow_afresh(manager)
    manager.runtime.housekeeping()
    assert (manager.runtime.live, list(InstalledPlugin.objects.values())) == ({}, before)
    assert (PluginCrash.objects.count(), len(list(record.leftovers()))) == (0, 1)


def test_process_that_lives_is_no_leftover_until_it_is_killed(record: BootRecord) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with record.step("sample", 3, "sha256:0", "load") as note:
            note("initialize")
            os.write(writing, b".")
            signal.pause()
    os.read(reading, 1)
    assert list(record.leftovers()) == []
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    found = [step for _, step in record.leftovers()]
    assert [(item.plugin_id, item.revision, item.step, item.pid) for item in found] == [
        ("sample", 3, "initialize", child)
    ], "counted while its parent has not asked for its end"
    os.waitpid(child, 0)
    assert len(list(record.leftovers())) == 1
    os.close(reading)
    os.close(writing)


def left(record: BootRecord, **changes: Any) -> Path:
    """Leave a file behind, as if the process had died."""
    with record.step("sample", 1, "", "load"):
        path = next(record_folder().iterdir())
        values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, **changes}))
    return path


def test_own_number_in_another_life_is_a_leftover_and_is_claimed_once(record: BootRecord) -> None:
    left(record, born="1")
    [(path, step)] = record.leftovers()
    assert step.pid == os.getpid()
    assert (record.claim(path), record.claim(path)) == (True, False)


def test_number_that_belongs_to_another_user_now_is_a_leftover(
    record: BootRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_pid: int, _signal: int) -> None:
        raise PermissionError

    left(record, pid=1)
    monkeypatch.setattr(os, "kill", refused)
    assert len(list(record.leftovers())) == 1


def test_own_step_and_other_hosts_are_no_leftovers(record: BootRecord) -> None:
    with record.step("sample", 1, "", "load"):
        assert list(record.leftovers()) == []
    left(record, host="elsewhere", born="1")
    assert list(record.leftovers()) == []


def test_half_written_files_are_passed_over_and_old_ones_dropped(record: BootRecord) -> None:
    path = left(record, born="1")
    half = path.with_name("half.step")
    half.write_text('{"plugin_id": "sam')
    assert [found for found, _ in record.leftovers()] == [path]
    long_ago = time.time() - FORGOTTEN_AFTER_SECONDS - 1
    for item in (path, half):
        os.utime(item, (long_ago, long_ago))
    assert list(record.leftovers()) == []
    assert list(record_folder().iterdir()) == []


@pytest.fixture
def unusable(request: pytest.FixtureRequest) -> Path:
    """The folder of the record, in a state in which it must not be used."""
    folder = record_folder()
    folder.parent.mkdir(parents=True)
    if request.param == "link":
        (folder.parent / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(folder.parent / "elsewhere")
    elif request.param == "file":
        folder.write_text("")
    else:
        folder.mkdir()
        folder.chmod(0o770)
    return folder


@pytest.mark.parametrize("unusable", ["link", "file", "open"], indirect=True)
def test_folder_that_is_not_ours_alone_is_not_used_and_plugins_start(
    manager: PluginManager, unusable: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        manager.install_plugin(Listener)
    assert list(manager.runtime.live) == ["listener"]
    assert caplog.text.count("without a boot record") == 1
    assert not unusable.is_dir() or list(unusable.iterdir()) == []


def test_file_that_can_not_be_made_is_told_and_plugins_start(
    manager: PluginManager, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = os.open

    def full(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith(".step"):
            raise OSError(28, "No space left on device")
        return opened(path, *rest, **more)

    monkeypatch.setattr(os, "open", full)
    manager.install_plugin(Listener)
    assert list(manager.runtime.live) == ["listener"]
    assert "No space left on device" in caplog.text


def test_record_is_for_this_user_only_and_empty_when_nothing_starts(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    assert record_folder().stat().st_mode & 0o777 == 0o700
    assert list(record_folder().iterdir()) == []
