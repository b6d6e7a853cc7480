"""How much Python heap a plugin took when it was loaded, and how much it holds now.

Memory of one process has no owners, so both figures answer narrower questions. ``tracing`` counts
what was allocated, and kept, while a plugin was loaded for the first time. ``measure`` walks what can be reached
from the plugin's modules and its object, without entering what belongs to others: their modules, classes and functions,
loggers, threads, connections, the context. What the plugin shares with others by such a walk is counted for it.
"""

from __future__ import annotations

import builtins
import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from types import FrameType, FunctionType, ModuleType
from weakref import WeakKeyDictionary

from gridkit_django.models import PluginSource
from gridkit_django.plugins.bundle import PRIVATE_PREFIX
from gridkit_django.plugins.live import LivePlugin

OBJECTS_MAX = 250_000
"""A walk ends after so many objects and says that there is more: it takes about half a microsecond for each."""

_REST = 100
"""A figure is used again until it is so many times older than the walk took: walks take 1 % of the time at most."""

_MACHINERY = (
    "asgiref",
    "django.apps",
    "django.conf",
    "django.core.cache",
    "django.db.backends",
    "django.db.models.options",
    "django.dispatch",
    "django.utils.connection",
    "gridkit_django.apps",
    "gridkit_django.conf",
    "gridkit_django.events.bus",
    "gridkit_django.exports",
    "gridkit_django.grids",
    "gridkit_django.plugins",
    "logging",
    "threading",
)
"""Objects whose class lives in one of these modules, or below, belong to the process and not to the plugin."""

_CACHED = type(lru_cache(lambda: None))


@dataclass(frozen=True, slots=True)
class HeapFigure:
    """What a plugin holds at one moment.

    Attributes:
        size: bytes of the objects that were counted.
        objects: how many there are.
        complete: False when the walk ended at ``OBJECTS_MAX``: then the plugin holds more than this.
    """

    size: int
    objects: int
    complete: bool


class HeapBook:
    """The heap figures of this process: what was seen while code was loaded, and what each plugin held last."""

    def __init__(self) -> None:
        self._loads: dict[str, int] = {}
        self._figures: WeakKeyDictionary[LivePlugin, tuple[HeapFigure, float]] = WeakKeyDictionary()

    @contextmanager
    def loading(self, digest: str, *, reload: bool) -> Iterator[None]:
        """Count what the block allocates and keeps, when it loads this content for the first time in this process.

        Counting makes code that allocates several times slower, so it is done once, and never while somebody waits for
        a hot reload. What other threads allocate meanwhile is counted too.

        Args:
            digest: content digest of the code.
            reload: whether an older object serves until now.
        """
        if reload or digest in self._loads:
            yield
            return
        with tracing() as kept:
            yield
        self._loads[digest] = kept()

    def load_size(self, digest: str) -> int | None:
        """Return the bytes that this content took when it was first loaded here, or None when nobody counted."""
        return self._loads.get(digest)

    def measure(self, live: LivePlugin) -> HeapFigure:
        """Return what a plugin holds, from a new walk unless there is a figure that is new for what it costs."""
        known = self._figures.get(live)
        started = time.monotonic()
        if known is not None and started < known[1]:
            return known[0]
        figure = walk(live)
        ended = time.monotonic()
        self._figures[live] = (figure, ended + (ended - started) * _REST)
        return figure

    def last(self, live: LivePlugin) -> HeapFigure | None:
        """Return what the last walk found, or None before the first."""
        known = self._figures.get(live)
        return known[0] if known is not None else None


@contextmanager
def tracing() -> Iterator[Callable[[], int]]:
    """Count what the block allocates; call what it gives for the bytes that were not freed again.

    A tracer that runs already (somebody looks for a leak) goes on.
    """
    ours = not tracemalloc.is_tracing()
    if ours:
        tracemalloc.start(1)
    before = tracemalloc.get_traced_memory()[0]
    kept = 0
    try:
        yield lambda: kept
    finally:
        kept = max(tracemalloc.get_traced_memory()[0] - before, 0)
        if ours:
            tracemalloc.stop()


def walk(live: LivePlugin, *, most: int = OBJECTS_MAX) -> HeapFigure:
    """Count what can be reached from a plugin's object, its class and its modules.

    The module of a plugin that is given in code belongs to the site, so only its object and class are counted.

    Args:
        live: the plugin.
        most: how many objects to count at most.
    """
    package = _package(live.code.plugin_class.__module__)
    modules: list[dict[str, object]] = []
    if live.spec.source is not PluginSource.OBJECT:
        named = [name for name in list(sys.modules) if name.startswith(package) and _is_in(name, package)]
        modules = [vars(sys.modules[name]) for name in named]
    roots: list[object] = [live.plugin, live.code.plugin_class, *modules]
    return _count(roots, {id(vars(builtins)), *map(id, roots)}, package, most)


def _count(roots: Sequence[object], known: set[int], package: str, most: int) -> HeapFigure:
    """Walk in rings: all that is referred to by one ring, and was not seen before, is the next one."""
    size = objects = 0
    ring: Sequence[object] = roots
    verdicts: dict[type, _Verdict] = {}
    while ring:
        counted = ring[: most - objects]
        size += sum(map(_size, counted))
        objects += len(counted)
        if len(counted) < len(ring):
            return HeapFigure(size, objects, complete=False)
        ring = _next_ring(ring, known, package, verdicts)
    return HeapFigure(size, objects, complete=True)


def _next_ring(ring: Sequence[object], known: set[int], package: str, verdicts: dict[type, _Verdict]) -> list[object]:
    found: list[object] = []
    for item in gc.get_referents(*ring):
        key = id(item)
        if key in known:
            continue
        known.add(key)
        kind = type(item)
        verdict = verdicts.get(kind)
        if verdict is None:
            verdict = verdicts[kind] = _verdict(kind)
        if verdict is _Verdict.ENTER or (verdict is not _Verdict.STOP and _is_own(item, verdict, package)):
            found.append(item)
    return found


class _Verdict(Enum):
    """What to do with the objects of one class."""

    ENTER = 1
    STOP = 2
    ASK = 3
    """Enter it when it was defined in the plugin."""
    ASK_DICT = 4
    """Enter it unless it is the namespace of a module."""


def _verdict(kind: type) -> _Verdict:
    if kind is dict:
        return _Verdict.ASK_DICT
    if issubclass(kind, (type, FunctionType, _CACHED)):
        return _Verdict.ASK
    if issubclass(kind, (ModuleType, FrameType)) or any(_is_in(kind.__module__, name) for name in _MACHINERY):
        return _Verdict.STOP
    return _Verdict.ENTER


def _is_own(item: object, verdict: _Verdict, package: str) -> bool:
    """Whether a dict, a class or a function belongs to the plugin. The plugin's own modules are known beforehand."""
    if verdict is _Verdict.ASK_DICT:
        return "__builtins__" not in item  # type: ignore[operator]
    return _is_in(getattr(item, "__module__", ""), package)


def _size(item: object) -> int:
    """Return the bytes of one object alone; 0 when its class can't say."""
    try:
        return sys.getsizeof(item, 0)
    except Exception:  # noqa: BLE001 - a __sizeof__ of anybody may raise anything; this object then counts nothing
        return 0


def _package(module: str) -> str:
    """Return the name below which the modules of a plugin lie."""
    if module.startswith(PRIVATE_PREFIX):
        return module.partition(".")[0]
    return module.rpartition(".")[0] or module


def _is_in(name: object, package: str) -> bool:
    return isinstance(name, str) and (name == package or name.startswith(f"{package}."))
