"""Has coverage.py look away where it learns nothing: what it watches takes about twice as long.

The second run, on PostgreSQL, is measured in the rooms whose code asks which database it has, and in tests that run
nowhere else; the first run is not measured where the second one measures the same tests, but for the audit trail, which
is written in another way on SQLite. In both runs, tests marked `unmeasured` are not: they send many values through
lines that others reach.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import coverage
import pytest
from django.db import connection

ROOMS = frozenset({"audit", "checks", "exports", "grids"})
"""Folders of tests that are measured on PostgreSQL, too."""

PASSED_ON = "COVERAGE_PROCESS_CONFIG"
"""The variable by which coverage.py starts in the processes that a test starts."""


class Measuring:
    """Halts coverage.py in this process and in those that it starts, and lets it go on."""

    def __init__(self) -> None:
        self._measure = coverage.Coverage.current()
        self._passed_on = os.environ.get(PASSED_ON)
        self._runs = True

    def turn(self, *, on: bool) -> None:
        """Let it run, or halt it; nothing happens where it already does, or where nobody measures."""
        if self._measure is None or on == self._runs:
            return
        self._runs = on
        if not on:
            self._measure.stop()
            os.environ.pop(PASSED_ON, None)
            return
        if self._passed_on is not None:
            os.environ[PASSED_ON] = self._passed_on
        self._measure.start()

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Look away for one block."""
        ran = self._runs
        self.turn(on=False)
        try:
            yield
        finally:
            self.turn(on=ran)


_MEASURING = pytest.StashKey[Measuring]()


def pytest_configure(config: pytest.Config) -> None:
    """Halt it while the tests are gathered for PostgreSQL: the first run imports the same modules.

    Where other processes run the tests, this one leaves it alone: they are to inherit it.
    """
    config.stash[_MEASURING] = Measuring()
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    config.stash[_MEASURING].turn(on=connection.vendor == "sqlite")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure a test, or don't."""
    item.config.stash[_MEASURING].turn(on=_is_measured(item))
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Look away while the database is made: that runs migrations, which are not measured, for seconds."""
    if fixturedef.argname != "django_db_setup":
        return (yield)
    with request.config.stash[_MEASURING].halted():
        return (yield)


def _is_measured(item: pytest.Item) -> bool:
    if item.get_closest_marker("unmeasured"):
        return False
    marked = {marker.name for marker in item.iter_markers()}
    room = next(iter(ROOMS.intersection(item.path.parts)), None)
    if connection.vendor == "postgresql":
        return room is not None or "postgres_only" in marked
    return room in (None, "audit") or "both_databases" not in marked
