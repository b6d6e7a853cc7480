"""What loading the code of a plugin costs, beside ``importlib.import_module`` of the same files.

Ours reads and hashes all files, checks the manifest, and takes compiled code by content; Python's trusts the times of
files and takes bytecode from disk. The first load in a process compiles, as Python's without bytecode does.
"""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridkit_django.plugins.sources import BundleLoader, FolderSource
from tests.benchmarks.harness import compare, table
from tests.benchmarks.plugins.code_folder import FUNCTIONS, MODULES, NAME, plugin_folder


def run() -> Iterator[str]:
    """Compare warm loads, then first loads."""
    with plugin_folder() as folder, _importable(folder):
        loader = BundleLoader()
        warm = {
            "import_module, bytecode on disk": _import,
            "plugin, loaded before in this process": lambda: FolderSource(folder, loader).load().unload(),
        }
        conditions = {"files": MODULES + 3, "functions": MODULES * FUNCTIONS, "allowed": "50 ms", "goal": "5 ms warm"}
        yield table("Load of a plugin, warm", compare(warm), conditions=conditions)
        first = {
            "import_module, no bytecode": lambda: _import_cold(folder),
            "plugin, first time in this process": lambda: FolderSource(folder).load().unload(),
        }
        yield table("Load of a plugin, first time", compare(first), conditions=conditions)


def _import() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]
    importlib.import_module(f"{NAME}.plugin")


def _import_cold(folder: Path) -> None:
    """Import without bytecode; taking the old one away is part of the time, and small beside compiling."""
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    importlib.invalidate_caches()
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        _import()
    finally:
        sys.dont_write_bytecode = before


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder.parent))
    importlib.invalidate_caches()
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(str(folder.parent))
        for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
            del sys.modules[name]
