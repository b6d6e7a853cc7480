"""How much Python heap a plugin takes; the specification allows 5 MB, and the goal is 0.2 MB.

Bytes do not depend on how busy the machine is, so there are no rounds here.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from django.conf import settings as django_settings
from django.test import override_settings

from gridkit_django.plugins import PluginManager, plugin_manager
from gridkit_django.plugins.memory import tracing, walk
from tests.benchmarks.plugins.folders import write_folder

NAME = "benchheap"
MODULES = 6
RELOADS = 20
ALLOWED = 5_000_000


def run() -> Iterator[str]:
    """Load a plugin of six modules, and tell what it takes beside a plain import of the same files."""
    with tempfile.TemporaryDirectory() as root:
        lines = write_folder(Path(root), NAME, modules=MODULES)
        plain = _plain_import(root)
        with override_settings(GRIDKIT={**django_settings.GRIDKIT, "PLUGIN_ROOT": root, "HOT_RELOAD": False}):
            manager = plugin_manager()
            manager.install_plugin(NAME)
            try:
                figures = {"allowed": ALLOWED, "import the same files": plain, **_figures(manager)}
            finally:
                manager.uninstall_plugin(NAME)
    yield _table(figures, {"modules": MODULES, "lines": lines, "reloads": RELOADS})


def _plain_import(root: str) -> int:
    """Return what stays allocated when Python itself imports the package, compiled before."""
    sys.path.insert(0, root)
    try:
        import_module(f"{NAME}.plugin")
        _forget_modules()
        with tracing() as kept:
            import_module(f"{NAME}.plugin")
        return kept()
    finally:
        sys.path.remove(root)
        _forget_modules()


def _forget_modules() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
        del sys.modules[name]


def _figures(manager: PluginManager) -> Mapping[str, int]:
    usage = manager.usage_of(NAME).usage
    if usage is None or usage.load_heap_bytes is None:
        raise RuntimeError(f"{NAME} is not at work, or nobody counted what it took. Look at the log.")
    _reload(manager, 5)
    with tracing() as kept:
        _reload(manager, RELOADS)
    return {
        "load and initialize as a plugin": usage.load_heap_bytes,
        "hold: what its object and modules reach": walk(manager.runtime.live[NAME]).size,
        "kept by the process for each reload": kept() // RELOADS,
    }


def _reload(manager: PluginManager, times: int) -> None:
    for _ in range(times):
        manager.reload_plugin(NAME)
    gc.collect()


def _table(figures: Mapping[str, int], conditions: Mapping[str, object]) -> str:
    base = figures["import the same files"]
    head = ["Heap of one plugin", "------------------", f"{'variant':<44}{'bytes':>12}{'ratio':>9}"]
    rows = [f"{name:<44}{size:>12,}{size / base:>9.2f}" for name, size in figures.items()]
    return "\n".join([*head, *rows, *(f"  {name}: {value}" for name, value in conditions.items())])
