"""What code can leave behind in a process, seen from outside: threads, receivers, patched functions and the like."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any
from weakref import ReferenceType

from django.dispatch import Signal

from gridkit_django.events.signals import all_signals

_WATCHED = ("django", "gridkit_django", "rest_framework", "celery")
_BORROWED = ("builtins", "datetime", "io", "json", "logging", "os", "socket", "subprocess", "threading", "time")
_PATCHABLE = (FunctionType, BuiltinFunctionType, type, classmethod, staticmethod, property)
_ONCE = ("environment variable ", "sys.path entry ")
"""How those traces are named that look the same when they are made again."""

_OURS = "gridkit"
"""The runtime's own threads have names that begin so."""


@dataclass(frozen=True, slots=True)
class Traces:
    """The state of this process at one moment.

    Attributes:
        named: things that can come and go, by a key that tells two of them apart; the value names each for people.
        patchable: functions and classes of Django, of GridKit and of some modules of Python, by their place.
    """

    named: Mapping[tuple[str, Any], str]
    patchable: Mapping[str, Any]

    def left_since(self, before: Traces) -> tuple[str, ...]:
        """Return what is here now and was not before, each in a few words."""
        new = [text for key, text in self.named.items() if key not in before.named]
        patched = [
            f"replaced {place}"
            for place, value in before.patchable.items()
            if self.patchable.get(place, value) is not value
        ]
        return tuple(sorted([*new, *patched]))


def told(first: Iterable[str], second: Iterable[str], own: str) -> tuple[str, ...]:
    """Join what two passes of the same act left behind, without what libraries do when they are imported for once.

    Args:
        first: what the first pass left; of it only what looks the same when it is made again, or names ``own``.
        second: what the second pass left.
        own: the beginning of the names of the plugin's own modules.
    """
    return tuple(sorted({*second, *(text for text in first if text.startswith(_ONCE) or own in text)}))


def traces(own: str = "") -> Traces:
    """Look at this process.

    Args:
        own: the name of a package whose own modules are not looked at for patches.
    """
    named: dict[tuple[str, Any], str] = {}
    for look in (_threads, _receivers, _log_handlers, _environment, _paths, _exits):
        named.update(look())
    return Traces(named, dict(_patchable(own)))


def _threads() -> Iterator[tuple[tuple[str, Any], str]]:
    for thread in threading.enumerate():
        if not thread.name.startswith(_OURS):
            kind = "timer" if isinstance(thread, threading.Timer) else "thread"
            yield ("thread", thread.ident), f"{kind} {thread.name}"


def _receivers() -> Iterator[tuple[tuple[str, Any], str]]:
    """Yield the receivers of every signal that is found; those whose object is gone are left out."""
    for signal in _signals():
        for key, receiver, *_ in signal.receivers or ():
            function = receiver() if isinstance(receiver, ReferenceType) else receiver
            if function is not None:
                yield ("receiver", (id(signal), key)), f"signal receiver {_name(function)}"


def _signals() -> Iterable[Signal]:
    """Return the signals of all modules, ours, and those that the garbage collector knows.

    It alone would not do: it does not tell of what ``gc.freeze()`` has set aside, as servers do before they fork.
    """
    modules = [getattr(module, "__dict__", {}) for module in list(sys.modules.values())]
    places = [value for module in modules for value in list(module.values())]
    ours = [signal for _, _, signal in all_signals()]
    found = [item for item in (*places, *gc.get_objects()) if issubclass(type(item), Signal)]
    return {id(signal): signal for signal in (*found, *ours)}.values()


def _log_handlers() -> Iterator[tuple[tuple[str, Any], str]]:
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    for logger in loggers:
        for item in (*logger.handlers, *logger.filters):
            yield ("logging", (logger.name, id(item))), f"logging handler {type(item).__name__} on {logger.name}"


def _environment() -> Iterator[tuple[tuple[str, Any], str]]:
    for name, value in os.environ.items():
        if name != "PYTEST_CURRENT_TEST":
            yield ("environment", (name, value)), f"environment variable {name}"


def _paths() -> Iterator[tuple[tuple[str, Any], str]]:
    for path in sys.path:
        yield ("sys.path", path), f"sys.path entry {path}"
    for finder in sys.meta_path:
        if not type(finder).__module__.startswith("gridkit_django."):
            yield ("meta_path", id(finder)), f"finder {_name(finder)} on sys.meta_path"


def _exits() -> Iterator[tuple[tuple[str, Any], str]]:
    count: Callable[[], int] = atexit._ncallbacks  # noqa: SLF001 - nothing else tells
    for number in range(count()):
        yield ("atexit", number), "function registered with atexit"


def _patchable(own: str) -> Iterator[tuple[str, Any]]:
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in _WATCHED or name in _BORROWED:
            if own and (name == own or name.startswith(f"{own}.")):
                continue
            yield from _patchable_of(name, module)


def _patchable_of(name: str, module: ModuleType) -> Iterator[tuple[str, Any]]:
    for key, value in list(getattr(module, "__dict__", {}).items()):
        if issubclass(type(value), _PATCHABLE):  # isinstance would wake Django's lazy objects up
            yield f"{name}.{key}", value
        if issubclass(type(value), type) and value.__module__ == name:
            for inner, member in list(vars(value).items()):
                if issubclass(type(member), _PATCHABLE):
                    yield f"{name}.{key}.{inner}", member


def _name(thing: Any) -> str:
    module = getattr(thing, "__module__", type(thing).__module__)
    return f"{module}.{getattr(thing, '__qualname__', type(thing).__qualname__)}"
