"""What a plugin left behind in the process after it ended: taken back where that is safe, told in any case.

Looked for at the end of the request or task in which the plugin ended, never on the way of a reload. A plugin's code is
known by the private module name that only it has; an object that ended, by itself. What can't be told from the values
(a number in another module, a file that is open) is not found.
"""

from __future__ import annotations

import functools
import gc
import logging
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MappingProxyType, MethodType
from typing import Any

from django.dispatch import Signal

from gridkit_django.events import all_signals
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.patches import Patch, find_in_modules

logger = logging.getLogger("gridkit_django.plugins")

QUIET_SECONDS = 1.0
TOLD_MAX = 20
"""Leftovers of one plugin that are told, the newest."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What has ended: private names of code that was dropped, and objects.

    Attributes:
        names: plugin id by the private name of its package.
        objects: plugin id by the identity of its object.
        held: plugin id by the identity of what its object holds.
    """

    names: Mapping[str, str]
    objects: Mapping[int, str]
    held: Mapping[int, str]

    def owner_of(self, thing: Any) -> str | None:
        """Return the id of the plugin that a function, method, class or object belongs to, or None."""
        while isinstance(thing, functools.partial):
            thing = thing.func
        if isinstance(thing, MethodType):
            return self.objects.get(id(thing.__self__)) or self.owner_of(type(thing.__self__))
        described = thing if isinstance(thing, (type, FunctionType)) else type(thing)
        module: object = described.__module__
        return self.names.get(module.partition(".")[0]) if isinstance(module, str) else None


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that was left behind.

    Attributes:
        plugin_id: by which plugin.
        text: what it is and what was done about it.
        lasts: whether it is still there; for what was taken back, and what lasts until a restart, always true.
    """

    plugin_id: str
    text: str
    lasts: Callable[[], bool] = lambda: True


class LeftoverWatch:
    """Looks after plugins that ended in this process."""

    def __init__(self) -> None:
        self._serving: dict[str, LivePlugin] = {}
        self._objects: list[LivePlugin] = []
        self._names: dict[str, str] = {}
        self._found: tuple[Leftover, ...] = ()
        self._last_end = 0.0

    @property
    def told(self) -> Mapping[str, tuple[str, ...]]:
        """What was left behind and is still worth telling, by plugin."""
        return _by_plugin(item for item in self._found if item.lasts())

    def noticed(self, plugin_id: str, live: LivePlugin | None) -> None:
        """Remember the object that ends as another one comes to work, or none."""
        before = self._serving.pop(plugin_id, None)
        if live is not None:
            self._serving[plugin_id] = live
        if before is not None and before is not live:
            self._objects.append(before)
            self._last_end = time.monotonic()

    def unloaded(self, plugin_id: str, name: str) -> None:
        """Remember that code was dropped.

        Args:
            plugin_id: the plugin.
            name: the private name of its package.
        """
        self._names[name] = plugin_id
        self._last_end = time.monotonic()

    def work(self) -> Mapping[str, tuple[str, ...]]:
        """Look when the last end is ``QUIET_SECONDS`` ago, so that nobody waits for it who loads plugins anew.

        A chore of the runtime. Returns what was found now, by plugin.
        """
        return self.look() if time.monotonic() - self._last_end > QUIET_SECONDS else MappingProxyType({})

    def look(self) -> Mapping[str, tuple[str, ...]]:
        """Look for leftovers of all that ended since the last time, and return what was found now, by plugin."""
        through = [live for live in self._objects if not hasattr(live.plugin, "context")]
        names, self._names = self._names, {}
        if not through and not names:
            return MappingProxyType({})
        self._objects = [live for live in self._objects if live not in through]
        found = tuple(find_leftovers(_ended(names, through)))
        for item in found:
            logger.warning("%s left something behind: %s", item.plugin_id, item.text)
        self._found = (*(item for item in self._found if item.lasts()), *found)[-TOLD_MAX * 10 :]
        return _by_plugin(found)


def find_leftovers(ended: Ended) -> Iterator[Leftover]:
    """Yield what is left of what has ended, taking back what can be taken back."""
    signals, patches = find_in_modules(ended.names)
    ours = [(f"{name} ({moment})", signal) for name, moment, signal in all_signals()]
    yield from _receivers(ended, (*signals, *ours))
    yield from _threads(ended)
    if ended.names:
        yield from _handlers(ended)
        yield from _hooks(ended)
        yield from (Leftover(ended.names[patch.by], _undone(patch, ended.names)) for patch in patches)


def _by_plugin(found: Iterable[Leftover]) -> Mapping[str, tuple[str, ...]]:
    by_plugin: dict[str, list[str]] = {}
    for item in found:
        by_plugin.setdefault(item.plugin_id, []).append(item.text)
    return MappingProxyType({key: tuple(dict.fromkeys(texts))[-TOLD_MAX:] for key, texts in by_plugin.items()})


def _ended(names: Mapping[str, str], objects: Iterable[LivePlugin]) -> Ended:
    lives = list(objects)
    held = {id(value): live.plugin_id for live in lives for value in vars(live.plugin).values()}
    return Ended(names, {id(live.plugin): live.plugin_id for live in lives}, held)


def _receivers(ended: Ended, signals: Iterable[tuple[str, Signal]]) -> Iterator[Leftover]:
    for name, signal in signals:
        with signal.lock:
            entries: list[Any] = list(signal.receivers)
            owners = [(entry, _receiver_of(entry)) for entry in entries]
            left = [(entry, receiver) for entry, receiver in owners if receiver and ended.owner_of(receiver)]
            if left:
                signal.receivers = [entry for entry in entries if all(entry is not item for item, _ in left)]
                signal.sender_receivers_cache.clear()
        if left:
            signal.disconnect(dispatch_uid="gridkit_django.leftovers")  # removes nothing; a signal of ours sorts anew
        for _, receiver in left:
            yield Leftover(
                str(ended.owner_of(receiver)), f"its receiver of {name} was disconnected: {_called(receiver)}"
            )


def _receiver_of(entry: Any) -> Any:
    reference = entry[1]
    return reference() if isinstance(reference, weakref.ReferenceType) else reference


def _threads(ended: Ended) -> Iterator[Leftover]:
    for thread in threading.enumerate():
        owner = _owner_of_thread(ended, thread)
        if owner is not None:
            what = "timer still waits" if isinstance(thread, threading.Timer) else "thread still runs"
            reference = weakref.ref(thread)
            yield Leftover(owner, f"a {what}: {thread.name}", functools.partial(_is_alive, reference))


def _owner_of_thread(ended: Ended, thread: threading.Thread) -> str | None:
    """Find the plugin that a thread runs code of, or whose object holds the thread or what its code belongs to."""
    for target in (getattr(thread, "_target", None), getattr(thread, "function", None), thread):
        if target is None:
            continue
        owner = ended.owner_of(target) or ended.held.get(id(getattr(target, "__self__", target)))
        if owner is not None:
            return owner
    return None


def _is_alive(reference: weakref.ReferenceType[threading.Thread]) -> bool:
    thread = reference()
    return thread is not None and thread.is_alive()


def _handlers(ended: Ended) -> Iterator[Leftover]:
    loggers = [item for item in logging.Logger.manager.loggerDict.values() if isinstance(item, logging.Logger)]
    for item in (logging.getLogger(), *loggers):
        for handler in tuple(item.handlers):
            owner = ended.owner_of(handler)
            if owner is not None:
                item.removeHandler(handler)
                yield Leftover(owner, f"its handler of the logger {item.name} was removed: {_called(handler)}")


def _hooks(ended: Ended) -> Iterator[Leftover]:
    places: tuple[tuple[str, list[Any]], ...] = (
        ("sys.meta_path", sys.meta_path),
        ("sys.path_hooks", sys.path_hooks),
        ("gc.callbacks", gc.callbacks),
    )
    for name, hooks in places:
        for hook in tuple(hooks):
            owner = ended.owner_of(hook)
            if owner is not None:
                hooks.remove(hook)
                yield Leftover(owner, f"its entry in {name} was removed: {_called(hook)}")


def _undone(patch: Patch, names: Mapping[str, str]) -> str:
    if patch.put_back(names):
        return f"{patch.place}, which it had replaced, was put back"
    return f"{patch.place} is still replaced, because what was there before is not known; restart the processes"


def _called(thing: Any) -> str:
    return str(getattr(thing, "__qualname__", type(thing).__qualname__))
