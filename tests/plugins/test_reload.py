"""Hot reload: a changed file serves at once, a broken one keeps the old code serving."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError

from gridkit_django.exceptions import PluginNotFoundError, PluginStateError
from gridkit_django.models import AuditRecord, InstalledPlugin
from gridkit_django.plugins import Plugin, PluginManager, folder_watch
from tests.plugins.samples import CODE, Listener, write_plugin

pytestmark = pytest.mark.django_db(transaction=True)

RELOADING = CODE.replace(
    "    def initialize",
    "    def on_hot_reload(self, previous):\n"
    "        self.generations = getattr(previous, 'generations', 1) + 1\n\n"
    "    def initialize",
)


def awaited(condition: Callable[[], Any], what: str) -> None:
    """Wait for a condition.

    SQLite in memory refuses a reader while another thread writes, which is "not yet", and a writer while another reads:
    what could not be written then is written at the end of a request, for which this stands in.
    """
    until = time.monotonic() + 30
    while True:
        with suppress(OperationalError):
            if condition():
                return
        assert time.monotonic() < until, f"waited too long for {what}"
        time.sleep(0.02)
        apps.get_app_config("gridkit_django").runtime.reporter.flush()


def word(manager: PluginManager) -> Any:
    method, _ = manager.runtime.live["sample"].methods["word"]
    return method.handler(None)  # type: ignore[arg-type]


@pytest.fixture
def folder(root: Path) -> Path:
    return write_plugin(root, code=RELOADING)


@pytest.fixture
def watched(manager: PluginManager, folder: Path) -> Iterator[PluginManager]:
    manager.install_plugin("sample")
    manager.enable_hot_reload("sample")
    manager.enable_hot_reload("sample")
    settle(manager, folder)
    yield manager
    manager.disable_hot_reload("sample")


def settle(manager: PluginManager, folder: Path) -> None:
    """Wait until the watcher sees changes: it takes a moment until the system tells it."""
    number = 0
    before = manager.runtime.live["sample"]
    until = time.monotonic() + 10
    while manager.runtime.live["sample"] is before:
        assert time.monotonic() < until, "the watcher sees nothing"
        number += 1
        (folder / "note.txt").write_text(str(number))
        time.sleep(0.1)
    awaited(
        lambda: manager.runtime.live["sample"].code.digest == manager.runtime.catalog.find("sample").digest(), "quiet"
    )


def test_changed_file_serves_and_the_new_object_takes_over_from_the_old(watched: PluginManager, folder: Path) -> None:
    plugin: Any = watched.runtime.live["sample"].plugin
    (folder / "words.py").write_text("WORD = 'two'\n")
    awaited(lambda: word(watched) == "two", "the new word")
    new: Any = watched.runtime.live["sample"].plugin
    assert new.generations == plugin.generations + 1
    assert {record.actor_id for record in AuditRecord.objects.filter(action="plugin.reload")} == {"hot-reload"}


def test_broken_file_keeps_the_old_code_serving_until_it_is_mended(watched: PluginManager, folder: Path) -> None:
    (folder / "plugin.py").write_text("class Sample(:\n")
    awaited(lambda: InstalledPlugin.objects.get().effective_state == "degraded", "the reason")
    info = watched.get_plugin("sample")
    assert "plugin.py, line 1" in info.state_reason
    assert info.desired_state == "active"
    assert word(watched) == "one"
    (folder / "plugin.py").write_text(RELOADING)
    awaited(lambda: InstalledPlugin.objects.get().effective_state == "active", "the mended state")
    assert word(watched) == "one"


def test_file_saved_unchanged_does_nothing(watched: PluginManager, folder: Path) -> None:
    serving = watched.runtime.live["sample"]
    before = watched.runtime.generations.current()
    (folder / "words.py").write_text((folder / "words.py").read_text())
    (folder / "plugin.py").touch()
    (folder / "words.py").write_text("WORD = 'two'\n")
    awaited(lambda: watched.runtime.live["sample"] is not serving, "the reload")
    awaited(lambda: word(watched) == "two", "the new word")
    assert watched.runtime.generations.current() == before + 1


def test_disabled_watcher_sees_nothing_more(watched: PluginManager, folder: Path) -> None:
    serving = watched.runtime.live["sample"]
    watched.disable_hot_reload("sample")
    watched.disable_hot_reload("sample")
    assert not watched._hot_reload.is_enabled("sample")
    (folder / "words.py").write_text("WORD = 'two'\n")
    assert watched.runtime.live["sample"] is serving


def test_deactivation_ends_the_watcher(watched: PluginManager) -> None:
    watched.deactivate_plugin("sample")
    assert not watched._hot_reload.is_enabled("sample")


def test_plugin_in_quarantine_is_brought_back_by_a_mended_file(manager: PluginManager, folder: Path) -> None:
    write_plugin(
        folder.parent,
        code=CODE.replace("def initialize(self, context):", "def initialize(self, context):\n        1/0"),
    )
    with pytest.raises(Exception, match="ZeroDivisionError"):
        manager.install_plugin("sample")
    manager.enable_hot_reload("sample")
    watcher = manager._hot_reload._watchers["sample"]
    watcher.stop()
    write_plugin(folder.parent, code="class Sample(\n")
    watcher._changed()
    assert manager.get_plugin("sample").effective_state == "quarantined"
    write_plugin(folder.parent, code=CODE)
    watcher._changed()
    assert word(manager) == "one"
    manager.disable_hot_reload("sample")


def test_second_process_follows_the_first(manager: PluginManager, folder: Path) -> None:
    manager.install_plugin("sample")
    manager.enable_hot_reload("sample")
    watcher = manager._hot_reload._watchers["sample"]
    manager._hot_reload.forget()
    watcher.stop()
    (folder / "words.py").write_text("WORD = 'two'\n")
    manager.reload_plugin("sample")
    before = manager.runtime.generations.current()
    manager.stop_all()
    watcher._changed()
    assert word(manager) == "two"
    assert manager.runtime.generations.current() == before


def test_fault_that_nobody_foresaw_does_not_end_the_watcher(
    watched: PluginManager, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = watched._hot_reload._watchers["sample"]
    with monkeypatch.context() as patched:
        patched.setattr(watcher, "_reload_or_follow", lambda digest: 1 / 0)
        (folder / "words.py").write_text("WORD = 'two'\n")
        awaited(lambda: "Hot reload of sample failed" in caplog.text, "the log")
    (folder / "words.py").write_text("WORD = 'three'\n")
    awaited(lambda: word(watched) == "three", "the next change")


def test_only_folders_can_be_watched(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    with pytest.raises(PluginStateError, match="folder"):
        manager.enable_hot_reload("listener")
    with pytest.raises(PluginNotFoundError):
        manager.enable_hot_reload("nobody")


@pytest.fixture(params=["missing", "forced", "refused"])
def without_events(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system tells nothing of changed files."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError("no more watches")

    if request.param == "missing":
        monkeypatch.setattr(folder_watch, "watchfiles", None)
    elif request.param == "forced":
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")
    else:
        monkeypatch.setattr(folder_watch.watchfiles, "watch", refuse)


@pytest.mark.usefixtures("without_events")
def test_without_events_contents_are_compared(manager: PluginManager, folder: Path) -> None:
    manager.install_plugin("sample")
    manager.enable_hot_reload("sample")
    settle(manager, folder)
    times = (folder / "words.py").stat()
    (folder / "words.py").write_text("WORD = 'two'\n")
    os.utime(folder / "words.py", ns=(times.st_atime_ns, times.st_mtime_ns))
    awaited(lambda: word(manager) == "two", "the new word")
    manager.disable_hot_reload("sample")


def test_folder_that_is_replaced_by_another_one_is_watched_on(watched: PluginManager, folder: Path) -> None:
    folder.rename(folder.parent / ".old")
    awaited(lambda: not folder.exists(), "the move")
    write_plugin(folder.parent, code=RELOADING, word="two")
    awaited(lambda: word(watched) == "two", "the new folder")
    (folder / "words.py").write_text("WORD = 'three'\n")
    awaited(lambda: word(watched) == "three", "the new folder's change")


def test_failing_initialize_keeps_the_old_code_and_shows_file_and_line(watched: PluginManager, folder: Path) -> None:
    broken = RELOADING.replace("def initialize(self, context):", "def initialize(self, context):\n        1/0")
    (folder / "plugin.py").write_text(broken)
    awaited(lambda: InstalledPlugin.objects.get().state_code == "plugin-initialize-failed", "the reason")
    info = watched.get_plugin("sample")
    line = broken.splitlines().index("        1/0") + 1
    assert f"plugin.py, line {line}: ZeroDivisionError" in info.state_reason
    assert (info.state_evidence["file"], info.state_evidence["line"]) == ("plugin.py", line)
    assert word(watched) == "one"
    (folder / "plugin.py").write_text(RELOADING)
    awaited(lambda: InstalledPlugin.objects.get().effective_state == "active", "the mended state")
    awaited(lambda: watched.get_plugin("sample").version == "1.0.0", "the version")
    assert AuditRecord.objects.filter(action="plugin.reload").count() >= 2


def test_same_fault_on_another_line_is_told_again(watched: PluginManager, folder: Path) -> None:
    for text, line in (("class Sample(:\n", 1), ("\n\nclass Sample(:\n", 3)):
        (folder / "plugin.py").write_text(text)
        awaited(lambda line=line: InstalledPlugin.objects.get().state_evidence.get("line") == line, "the line")
    assert word(watched) == "one"


def test_content_that_asks_for_more_waits_and_is_no_fault(watched: PluginManager, folder: Path) -> None:
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace('"storage:use"', '"storage:use", "rows:read"'))
    awaited(lambda: InstalledPlugin.objects.get().pending_version_id, "the version that waits")
    assert (watched.get_plugin("sample").effective_state, word(watched)) == ("active", "one")


def test_pinned_plugin_is_left_alone(watched: PluginManager, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    InstalledPlugin.objects.update(pinned=True)
    caplog.set_level("INFO", logger="gridkit_django.plugins")
    (folder / "words.py").write_text("WORD = 'two'\n")
    awaited(lambda: "is pinned" in caplog.text, "the log")
    assert word(watched) == "one"


@pytest.mark.parametrize(
    ("kind", "wanted", "debug", "expected"),
    [
        ("web", None, True, True),
        ("web", None, False, False),
        ("web", True, False, True),
        ("celery", False, True, False),
        ("command", True, True, False),
    ],
)
def test_serving_processes_watch_by_themselves_where_the_settings_say_so(
    manager: PluginManager, folder: Path, settings: Any, kind: str, wanted: bool | None, debug: bool, expected: bool
) -> None:
    settings.GRIDKIT = {**settings.GRIDKIT, "HOT_RELOAD": wanted}
    settings.DEBUG = debug
    before, manager.runtime.process.kind = manager.runtime.process.kind, kind
    try:
        manager.install_plugin("sample")
        assert manager._hot_reload.is_enabled("sample") is expected
    finally:
        manager.stop_all()
        manager.runtime.process.kind = before
    assert not manager._hot_reload.is_enabled("sample")


def test_reload_needs_an_active_plugin_that_may_be_swapped(manager: PluginManager, folder: Path) -> None:
    manager.install_plugin("sample", activate=False)
    with pytest.raises(PluginStateError, match="not active"):
        manager.reload_plugin("sample")
    manifest = folder / "plugin.toml"
    manager.activate_plugin("sample")
    manifest.write_text(manifest.read_text() + "requires_restart = true\n")
    with pytest.raises(PluginStateError, match="Restart the processes"):
        manager.reload_plugin("sample")


def test_modules_of_a_replaced_version_are_gone(manager: PluginManager, folder: Path) -> None:
    manager.install_plugin("sample")
    old: type[Plugin] = type(manager.runtime.live["sample"].plugin)
    (folder / "words.py").write_text("WORD = 'two'\n")
    manager.reload_plugin("sample")
    assert old.__module__ not in sys.modules
    assert type(manager.runtime.live["sample"].plugin).__module__ in sys.modules
