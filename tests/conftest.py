"""What every test may ask for: real servers, the running example project, a browser."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from celery.result import _set_task_join_will_block
from django.apps import apps
from django.db import connection
from hypothesis import HealthCheck, settings

from gridkit_django.plugins import leftovers
from gridkit_django.plugins.boot import record_folder
from gridkit_django.plugins.idle import IdleThread

pytest_plugins = [f"tests.servers.{name}" for name in ("databases", "stack", "browser", "measuring")]


def pytest_configure() -> None:
    """Let no test of properties fail by time, and draw no more than shows a fault; a test may say another number."""
    settings.register_profile(
        "suite", settings.default, max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("suite")


@pytest.fixture(autouse=True)
def no_plugins_left() -> Iterator[None]:
    """Stop the plugins that a test started: the runtime is one for the whole process.

    What an earlier run of the tests was killed in must not count against the plugins of this one.
    """
    for path in record_folder().glob("*.step"):
        path.unlink(missing_ok=True)
    yield
    app = apps.get_app_config("gridkit_django")
    if app.runtime.generation >= 0 or app.runtime.live:
        app.plugin_manager.stop_all()
    app.plugin_manager._leftovers._objects.clear()
    app.plugin_manager._leftovers._names.clear()


@pytest.fixture(scope="session", autouse=True)
def nobody_looks_for_leftovers() -> Iterator[None]:
    """Let no test be charged for what plugins of the test before left behind: to look for it takes longer than most.

    The tests of leftovers let it be quiet at once, and so look in the way in which a site does.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leftovers, "QUIET_SECONDS", 86_400.0)
        yield


@pytest.fixture
def idle_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let heartbeat and chores be the idle thread's, as in a process that serves: requests are not charged for them.

    Without it, a request of a test client that comes `HEARTBEAT_SECONDS` after the last one has seven queries more.
    """
    monkeypatch.setattr(IdleThread, "is_running", True)


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that lets the clock by which this process measures be some seconds later."""

    def go(seconds: float) -> None:
        clock = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: clock() + seconds)

    return go


@pytest.fixture
def worker_inside() -> Iterator[None]:
    """Take back what a Celery worker in this process has said for good: that no task may wait for another."""
    yield
    _set_task_join_will_block(blocks=False)


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what lives as long as the run: tests that look for leaks collect often.

    By itself it need not collect often: at Python's own thresholds that is a twentieth of what most tests take.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


COLLECTED_AFTER = (20_000, 20, 50)
"""So many new objects make the garbage collector look at them; so many looks, at those of the generations above."""

LONG = frozenset({"routes", "frontend", "example", "testing", "browser", "foreign", "docs", "official"})
"""Folders whose files take long. They come first, so that all test processes end at about the same time."""


TOGETHER = frozenset({"browser"})
"""Folders whose files follow each other, since they share a browser."""

BOTH = "both_databases"
LATER = "postgres_only"
_ALL_LATER = re.compile(rf"^pytestmark = .*\b{LATER}\b", re.MULTILINE)
"""A file that says so in one line is for PostgreSQL from its first test to its last."""


@cache
def _names_the_marker(path: Path) -> bool:
    return BOTH in path.read_text(encoding="utf-8")


def _is_all_later(path: Path) -> bool:
    return _ALL_LATER.search(path.read_text(encoding="utf-8")) is not None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import for no run what it has no use for: files for PostgreSQL only, for the second one files for SQLite only."""
    if not collection_path.match("test_*.py"):
        return None
    if connection.vendor != "postgresql":
        return (_names_the_marker(collection_path) and _is_all_later(collection_path)) or None
    if config.getoption("markexpr") != BOTH:
        return None
    return not _names_the_marker(collection_path) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put long files first, and leave what only PostgreSQL can show to the second run.

    A name with an address of memory in it is another one in each process, so pytest-xdist would run nothing at all.
    """
    if named := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"These tests need ids of their own: {named}")
    if lost := {item.path for item in items if item.get_closest_marker(BOTH) and not _names_the_marker(item.path)}:
        raise pytest.UsageError(
            f"These files must name the marker {BOTH} themselves, or PostgreSQL misses them: {lost}"
        )
    items.sort(key=lambda item: (item.path.parent.name not in LONG, item.path.parent.name not in TOGETHER))
    if connection.vendor == "postgresql":
        return
    later = [item for item in items if item.get_closest_marker(LATER)]
    if never := {item.path for item in later if not item.get_closest_marker(BOTH)}:
        raise pytest.UsageError(f"Tests in these files are {LATER} without {BOTH}, so no run has them: {never}")
    config.hook.pytest_deselected(items=later)
    items[:] = [item for item in items if not item.get_closest_marker(LATER)]
