"""What remains when a plugin ends, is loaded anew, or is switched off by the site's safe mode."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from weakref import ReferenceType, ref

from django.conf import settings as django_settings
from django.test import override_settings

from gridkit_django.exceptions import PluginError
from gridkit_django.models import EffectiveState
from gridkit_django.plugins import Plugin, PluginInfo
from gridkit_django.plugins.bundle import PRIVATE_PREFIX
from gridkit_django.testing.conformance.subject import Subject, fail
from gridkit_django.testing.starter import StartedPlugin
from gridkit_django.testing.traces import told, traces

RELOADS = 20
_MARK = "conformance-round.txt"


def check_destroy(subject: Subject) -> None:
    """After it ends, nothing of it is left in the process: what destroy() has to give back, and the object itself."""
    first, _ = _left_by_a_life(subject)
    second, seen = _left_by_a_life(subject)
    if left := told(first, second, subject.own_modules()):
        fail(f"It left behind: {'; '.join(left)}.", "Give it back in destroy().")
    if not isinstance(subject.source, Plugin) and _is_alive(seen):
        fail("Its object lives on after destroy().", f"Something outside refers to it: {_holders(seen)}.")


def check_reload(subject: Subject) -> None:
    """Loaded anew 20 times it takes over each time, and leaves neither objects nor modules nor anything else behind."""
    subject, change = _changing(subject)
    _left_by_a_life(subject)
    before = traces()
    with subject.started() as plugin:
        seen = [_reference(plugin)]
        for number in range(RELOADS):
            change(number)
            _reloaded(plugin, number)
            seen.append(_reference(plugin))
        told = _taken_back(plugin)
        alive = [item for item in seen[:-1] if _is_alive(item)]
        if alive and not isinstance(subject.source, Plugin):
            fail(f"{len(alive)} of {RELOADS} old objects live on.", f"Something refers to them: {_holders(alive[0])}.")
        if (loaded := _loaded_trees()) > 1:
            fail(f"{loaded} copies of its modules are loaded at once.", "Keep no reference to an old module.")
    if left := (*traces().left_since(before), *told):
        fail(f"{RELOADS} reloads left behind: {'; '.join(left[:10])}.", "Give it back in destroy().")


def check_second_life(subject: Subject) -> None:
    """It starts again after it was switched off, and after safe mode, which changes nothing about it."""
    with subject.started() as plugin:
        plugin.stop()
        _again(plugin, plugin.start, "after it was switched off")
        before = _wish_and_effect(plugin.info)
        safe = {**django_settings.GRIDKIT, "PLUGINS_SAFE_MODE": True}
        with override_settings(GRIDKIT=safe):
            plugin.manager.stop_all()
            plugin.manager.ensure_current()
            if plugin.manager.runtime.live:
                fail("It is at work in safe mode.", "Nothing but the runtime may start it.")
        plugin.manager.stop_all()
        _again(plugin, plugin.manager.ensure_current, "after safe mode")
        if _wish_and_effect(plugin.info) != before:
            fail("Safe mode changed what is stored about it.", "Do not write about yourself when you start or end.")


def _wish_and_effect(info: PluginInfo) -> PluginInfo:
    """Return what is stored about a plugin without what goes on by itself: times, and counted uses of permissions."""
    permissions = tuple(replace(item, use_count=0, last_used_at=None) for item in info.permissions)
    return replace(info, changed_at=info.installed_at, permissions=permissions)


def _left_by_a_life(subject: Subject) -> tuple[tuple[str, ...], ReferenceType[Plugin]]:
    """Let the plugin start, work and end; return what is left of it, and a weak reference to its object."""
    before = traces()
    with subject.started() as plugin:
        subject.exercise(plugin)
        plugin.health()
        seen = _reference(plugin)
        plugin.stop()
        left = _taken_back(plugin)
    return (*traces().left_since(before), *left), seen


def _taken_back(plugin: StartedPlugin) -> tuple[str, ...]:
    """Let the runtime look after what ended, as it does at the end of a request; return what it says of this plugin."""
    return plugin.manager.look_for_leftovers().get(plugin.id, ())


def _again(plugin: StartedPlugin, start: Callable[[], object], when: str) -> None:
    try:
        start()
    except PluginError as error:
        fail(f"It does not start again {when}: {error.detail}", "Keep no state on the class or the module.")
    info = plugin.info
    if info.effective_state != EffectiveState.ACTIVE:
        fail(f"It is {info.effective_state} {when}: {info.state_reason}", "Keep no state on the class or the module.")


def _reloaded(plugin: StartedPlugin, number: int) -> None:
    try:
        info = plugin.reload()
    except PluginError as error:
        fail(f"Reload {number + 1} failed: {error.detail}", "Look at initialize() and on_hot_reload().")
    if info.effective_state != EffectiveState.ACTIVE:
        fail(f"It is {info.effective_state} after reload {number + 1}: {info.state_reason}", "Look at on_hot_reload().")


def _changing(subject: Subject) -> tuple[Subject, Callable[[int], None]]:
    """Return the plugin in a copy of its folder, and a function that changes its content; others stay as they are."""
    folder = subject.starter.folder_of(subject.source)
    if folder is None:
        return subject, lambda _: None
    copied = subject.folder / folder.name
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return replace(subject, source=copied), lambda number: _write(copied, number)


def _write(folder: Path, number: int) -> None:
    (folder / _MARK).write_text(f"{number}\n")


def _loaded_trees() -> int:
    return len({name.partition(".")[0] for name in sys.modules if name.startswith(PRIVATE_PREFIX)})


def _reference(plugin: StartedPlugin) -> ReferenceType[Plugin]:
    return ref(plugin.object)


def _is_alive(seen: ReferenceType[Plugin]) -> bool:
    if seen() is None:
        return False
    gc.collect()
    return seen() is not None


def _holders(seen: ReferenceType[Plugin]) -> str:
    """Name the kinds of things that refer to an object."""
    found = {f"{type(item).__module__}.{type(item).__qualname__}" for item in gc.get_referrers(seen())}
    return ", ".join(sorted(found - {"builtins.frame"})) or "nothing that Python can name"
