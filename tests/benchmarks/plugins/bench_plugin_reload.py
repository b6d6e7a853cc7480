"""From the write of a file to the new code at work: by the watcher, and by the manager's own act without a watcher.

Both store the version, its files, an audit record and a higher generation in one transaction before the swap.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.files import content_digest
from tests.benchmarks.harness import compare, table
from tests.benchmarks.plugins.code_folder import MODULES, NAME, installed, plugin_folder, write_part

LOOK_SECONDS = 0.0002
WAIT_SECONDS = 10.0


def run() -> Iterator[str]:
    """Compare one changed file of six, by hand and watched."""
    with plugin_folder() as folder, installed(folder) as manager:
        numbers = itertools.count(1)
        by_hand = compare({"write, then reload_plugin()": lambda: _by_hand(manager, folder, next(numbers))})
        manager.enable_hot_reload(NAME)
        _settle(manager, folder, numbers)
        watched = compare({"write to active, watched": lambda: _watched(manager, folder, next(numbers))})
        conditions = {"files": MODULES + 3, "changed": 1, "allowed": "100 ms", "goal": "25 ms"}
        yield table("Hot reload, without a watcher", by_hand, conditions=conditions)
        yield table("Hot reload, watched", watched, conditions=conditions)


def _by_hand(manager: PluginManager, folder: Path, version: int) -> None:
    write_part(folder, 0, version)
    manager.reload_plugin(NAME)


def _watched(manager: PluginManager, folder: Path, version: int) -> None:
    before = manager.runtime.live[NAME]
    write_part(folder, 0, version)
    if not _swapped(manager, before, WAIT_SECONDS):
        raise TimeoutError(f"{NAME} was not loaded anew within {WAIT_SECONDS} s.")


def _settle(manager: PluginManager, folder: Path, numbers: Iterator[int]) -> None:
    """Wait until the watcher sees changes and nothing is under way."""
    before = manager.runtime.live[NAME]
    write_part(folder, 0, next(numbers))
    while not _swapped(manager, before, 0.5):
        write_part(folder, 0, next(numbers))
    while manager.runtime.live[NAME].code.digest != content_digest(folder):
        time.sleep(LOOK_SECONDS)


def _swapped(manager: PluginManager, before: object, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while manager.runtime.live.get(NAME) is before:
        if time.monotonic() > until:
            return False
        time.sleep(LOOK_SECONDS)
    return True
