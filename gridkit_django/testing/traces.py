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
from itertools import chain, compress, repeat
from operator import is_
from types import BuiltinFunctionType, FunctionType
from typing import Any, TypeVar
from weakref import ReferenceType

from django.dispatch import Signal

from gridkit_django.events.signals import all_signals

_WATCHED = ("django", "gridkit_django", "rest_framework", "celery")
_BORROWED = ("builtins", "datetime", "io", "json", "logging", "os", "socket", "subprocess", "threading", "time")
_PATCHABLE = (FunctionType, BuiltinFunctionType, type, classmethod, staticmethod, property)
_ONCE = ("environment variable ", "sys.path entry ")
"""How those traces are named that look the same when they are made again."""

_Item = TypeVar("_Item")

_OURS = "gridkit"
"""The runtime's own threads have names that begin so."""


@dataclass(frozen=True, slots=True)
class Traces:
    """The state of this process at one moment.

    Attributes:
        named: things that can come and go, by a key that tells two of them apart; the value names each for people.
        spaces: what the modules of Django and GridKit, some of Python's, and their classes hold, by their names.
    """

    named: Mapping[tuple[str, Any], str]
    spaces: Mapping[str, Mapping[str, Any]]

    def left_since(self, before: Traces) -> tuple[str, ...]:
        """Return what is here now and was not before, each in a few words."""
        new = [text for key, text in self.named.items() if key not in before.named]
        patched = [
            f"replaced {place}.{name}"
            for place, space in before.spaces.items()
            for name in _replaced(space, self.spaces.get(place, space))
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
    return Traces(named, dict(_spaces(own)))


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
    places = [*chain.from_iterable(list(module.values()) for module in modules)]
    ours = [signal for _, _, signal in all_signals()]
    found = [signal for items in (places, gc.get_objects()) for signal in _instances(items, items, Signal)]
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


def _spaces(own: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a copy of the names of each watched module and of each of its classes."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in _WATCHED or name in _BORROWED:
            if own and (name == own or name.startswith(f"{own}.")):
                continue
            space = dict(getattr(module, "__dict__", {}))
            yield name, space
            for key, value in _instances(space.items(), space.values(), type):
                if value.__module__ == name:
                    yield f"{name}.{key}", dict(vars(value))


def _instances(items: Iterable[_Item], values: Iterable[Any], kind: type | tuple[type, ...]) -> Iterator[_Item]:
    """Yield the items whose values are of a kind, judged by their real type: isinstance wakes Django's lazy objects.

    All of it runs inside the interpreter, since there are hundreds of thousands of objects to judge.
    """
    return compress(items, map(issubclass, map(type, values), repeat(kind)))


def _replaced(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names that hold another function or class than before; most spaces are seen at once to be the same."""
    if list(before) == list(after) and all(map(is_, before.values(), after.values())):
        return
    for name, value in before.items():
        if issubclass(type(value), _PATCHABLE) and _is_patched(value, after.get(name, value)):
            yield name


def _is_patched(value: Any, now: Any) -> bool:
    return now is not value and issubclass(type(now), _PATCHABLE)


def _name(thing: Any) -> str:
    module = getattr(thing, "__module__", type(thing).__module__)
    return f"{module}.{getattr(thing, '__qualname__', type(thing).__qualname__)}"
