"""What plugins leave behind: taken back where that is safe, and told."""

from __future__ import annotations

import gc
import json
import logging
import sys
import textwrap
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.core.signals import request_started
from django.utils.functional import SimpleLazyObject

from gridkit_django.events import signal_for
from gridkit_django.exceptions import PluginInitializeError
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, leftovers
from gridkit_django.plugins.bundle import PRIVATE_PREFIX
from gridkit_django.plugins.files import content_digest
from gridkit_django.plugins.patches import find_in_modules
from tests.plugins.samples import CODE, metadata, write_plugin

pytestmark = pytest.mark.django_db(transaction=True)

LEAVING = """
import functools, gc, json, logging, sys, textwrap, threading
from django.core.paginator import Paginator
from django.core.signals import request_started
from django.utils.functional import SimpleLazyObject
from gridkit_django.events import signal_for
from gridkit_django.plugins import Plugin

def receive(**kwargs): ...

class Handler(logging.Handler):
    def emit(self, record): ...

class Finder:
    def find_spec(self, name, path, target=None): ...

def wrap(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper

class Sample(Plugin):
    def hear(self, **kwargs): ...

    def initialize(self, context):
{body}
"""


def install(manager: PluginManager, root: Path, *lines: str) -> None:
    body = "\n".join(f"        {line}" for line in lines)
    write_plugin(root, code=LEAVING.format(body=body))
    manager.install_plugin("sample")


def ended(manager: PluginManager) -> str:
    """End the plugin as a change does, look for leftovers, and return what is told."""
    manager.deactivate_plugin("sample")
    manager._look_for_leftovers()
    return "; ".join(manager.runtime.leftovers.get("sample", ()))


@pytest.fixture(autouse=True)
def untouched(manager: PluginManager, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is told yet, and the places that the plugins here replace and fill are as they were in the end."""
    monkeypatch.setattr(leftovers, "QUIET_SECONDS", -1.0)
    manager._leftovers._objects.clear()
    manager._leftovers._names.clear()
    manager._leftovers._found = ()
    dumps, page = json.dumps, Paginator.page
    yield
    assert (json.dumps, Paginator.page) == (dumps, page)
    assert not [finder for finder in sys.meta_path if type(finder).__module__.startswith(PRIVATE_PREFIX)]


def test_nobody_looks_before_it_is_quiet(manager: PluginManager, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(leftovers, "QUIET_SECONDS", 3600.0)
        install(manager, root, "request_started.connect(receive, weak=False)")
        assert ended(manager) == ""
    manager._look_for_leftovers()
    assert "was disconnected" in manager.runtime.leftovers["sample"][0]


def test_plugin_that_takes_all_back_leaves_nothing(manager: PluginManager, root: Path) -> None:
    write_plugin(root, code=CODE)
    manager.install_plugin("sample")
    assert ended(manager) == ""


def test_receivers_of_every_kind_are_disconnected(manager: PluginManager, root: Path) -> None:
    signals = (request_started, signal_for("row:update"))
    before = [list(signal.receivers) for signal in signals]
    install(
        manager,
        root,
        "request_started.connect(receive, weak=False)",
        "request_started.connect(self.hear, weak=False)",
        "request_started.connect(functools.partial(receive), weak=False, dispatch_uid='x')",
        "signal_for('row:update').connect(receive, weak=False, sender=Sample)",
    )
    added = [len(signal.receivers) - len(earlier) for signal, earlier in zip(signals, before, strict=True)]
    assert added == [3, 1]
    told = ended(manager)
    names = [text.rpartition(": ")[2] for text in told.split("; ")]
    assert sorted(names) == ["Sample.hear", "partial", "receive", "receive"], told
    assert told.count("was disconnected") == 4
    assert [list(signal.receivers) for signal in signals] == before


def test_functions_that_were_replaced_are_put_back(manager: PluginManager, root: Path) -> None:
    install(manager, root, "json.dumps = wrap(json.dumps)", "Paginator.page = wrap(Paginator.page)")
    assert json.dumps.__module__.startswith(PRIVATE_PREFIX)
    text = ended(manager)
    assert "json.dumps, which it had replaced, was put back" in text
    assert "django.core.paginator.Paginator.page, which it had replaced, was put back" in text


def test_replacement_that_wraps_an_earlier_one_of_the_plugin_is_unwrapped(manager: PluginManager, root: Path) -> None:
    install(manager, root, "json.dumps = wrap(wrap(json.dumps))")
    assert "was put back" in ended(manager)


def test_replacement_without_a_trace_of_what_was_there_is_told(
    manager: PluginManager, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textwrap, "shorten", textwrap.shorten)
    monkeypatch.setattr(json, "Extra", None, raising=False)
    install(manager, root, "textwrap.shorten = receive", "json.Extra = Handler()")
    text = ended(manager)
    assert "textwrap.shorten is still replaced" in text
    assert "json.Extra is still replaced" in text
    assert "restart the processes" in text


def test_thread_and_timer_are_told_until_they_end(manager: PluginManager, root: Path) -> None:
    install(
        manager,
        root,
        "self.gate = threading.Event()",
        "self.thread = threading.Thread(target=self.gate.wait, name='left-alone', daemon=True)",
        "self.thread.start()",
        "self.timer = threading.Timer(3600, receive)",
        "self.timer.daemon = True",
        "self.timer.start()",
    )
    plugin: Any = manager.runtime.live["sample"].plugin
    text = ended(manager)
    assert "a thread still runs: left-alone" in text
    assert "a timer still waits" in text
    plugin.gate.set()
    plugin.timer.cancel()
    for thread in (plugin.thread, plugin.timer):
        thread.join(10)
    manager._look_for_leftovers()
    assert manager.runtime.leftovers == {}


def test_hooks_and_log_handlers_are_removed(manager: PluginManager, root: Path) -> None:
    handlers = list(logging.getLogger().handlers)
    install(
        manager,
        root,
        "logging.getLogger().addHandler(Handler())",
        "logging.getLogger('tests.left').addHandler(Handler())",
        "sys.meta_path.append(Finder())",
        "gc.callbacks.append(lambda phase, info: None)",
    )
    text = ended(manager)
    assert all(word in text for word in ("logger root", "logger tests.left", "sys.meta_path", "gc.callbacks"))
    assert (logging.getLogger().handlers, logging.getLogger("tests.left").handlers) == (handlers, [])


def test_plugin_that_fails_while_it_starts_leaves_nothing_either(manager: PluginManager, root: Path) -> None:
    before = list(request_started.receivers)
    with pytest.raises(PluginInitializeError):
        install(manager, root, "request_started.connect(receive, weak=False)", "1 / 0")
    manager._look_for_leftovers()
    assert list(request_started.receivers) == before
    assert "was disconnected" in manager.runtime.leftovers["sample"][0]


class Bound(Plugin):
    """Connects a method of its object and forgets it; its code is not ours to drop."""

    metadata = metadata("bound")

    def initialize(self, context: PluginContext) -> None:
        request_started.connect(self.hear, weak=False)

    def hear(self, **kwargs: object) -> None: ...


def test_only_the_object_that_ended_is_looked_after_while_its_code_goes_on(manager: PluginManager) -> None:
    manager.install_plugin(Bound)
    before = len(request_started.receivers)
    manager.configure_plugin("bound", {})
    manager._look_for_leftovers()
    owners = [getattr(entry[1], "__self__", None) for entry in request_started.receivers]
    assert manager.runtime.live["bound"].plugin in owners
    assert len(request_started.receivers) == before
    manager.uninstall_plugin("bound")
    manager.runtime.catalog.remove_object("bound")
    manager._look_for_leftovers()
    assert len(request_started.receivers) == before - 1


@pytest.mark.unmeasured
def test_many_reloads_leave_no_module_class_object_or_finder(manager: PluginManager, root: Path) -> None:
    """5 by the manager; 25 more by the steps that build, swap and end, without the writes to the database between."""
    folder = write_plugin(root)
    manager.install_plugin("sample")
    modules, finders, threads = len(sys.modules), len(sys.meta_path), {*threading.enumerate()}
    seen: list[weakref.ref[object]] = []
    for number in range(30):
        (folder / "words.py").write_text(f"WORD = {number}\n")
        if number < 5:
            manager.reload_plugin("sample")
        else:
            swap(manager, folder)
        live = manager.runtime.live["sample"]
        seen += [weakref.ref(live), weakref.ref(live.plugin), weakref.ref(type(live.plugin))]
        seen.append(weakref.ref(sys.modules[type(live.plugin).__module__]))
        del live
    manager._look_for_leftovers()
    gc.collect()
    assert len([item for item in seen if item() is not None]) == 4, "those at work"
    assert (len(sys.modules), len(sys.meta_path)) == (modules, finders)
    assert {*threading.enumerate()} <= threads, "one of an earlier test may have ended meanwhile"
    assert manager.runtime.leftovers == {}


def swap(manager: PluginManager, folder: Path) -> None:
    """Build what lies in the folder aside, put it in the place of what serves, and end that."""
    starter, old = manager.runtime._starter, manager.runtime.live["sample"]
    spec = replace(old.spec, digest=content_digest(folder), revision=old.spec.revision + 1)
    manager.runtime.put("sample", starter.start(spec, old.metadata, old))
    starter.stop(old)


def test_looking_wakes_no_lazy_object(monkeypatch: pytest.MonkeyPatch) -> None:
    def wake() -> object:
        raise AssertionError("it was woken")

    monkeypatch.setattr(textwrap, "sleeper", SimpleLazyObject(wake), raising=False)
    find_in_modules({f"{PRIVATE_PREFIX}nothing_1"})
