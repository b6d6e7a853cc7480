"""Measures what runs: by probes in this process, by coverage.py's tracer in the processes that a test starts.

The tracer makes a process take about twice as long, so those are measured only where that may show something new: not
those of tests that are marked `unmeasured`, and on PostgreSQL only those of the rooms whose code asks which database it
has, and of tests that run nowhere else.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator

import pytest
from django.db import connection

ROOMS = frozenset({"audit", "checks", "exports", "grids"})
"""Folders of tests whose processes are measured on PostgreSQL, too."""

PASSED_ON = "COVERAGE_PROCESS_CONFIG"
"""The variable by which coverage.py starts in the processes that a test starts."""

_CONFIGURATION = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Have the processes of tests measured, where this process is and runs tests itself."""
    probing = sys.modules.get("tests.servers.probing")
    if probing is None or (config.getoption("numprocesses", None) and not hasattr(config, "workerinput")):
        return
    config.stash[_CONFIGURATION] = probing.configuration()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Pass on to the processes of a test that they are measured, or don't."""
    configuration = item.config.stash.get(_CONFIGURATION, None)
    if configuration is not None and _is_measured(item):
        os.environ[PASSED_ON] = configuration
    else:
        os.environ.pop(PASSED_ON, None)
    return (yield)


def _is_measured(item: pytest.Item) -> bool:
    if item.get_closest_marker("unmeasured"):
        return False
    marked = {marker.name for marker in item.iter_markers()}
    room = next(iter(ROOMS.intersection(item.path.parts)), None)
    if connection.vendor == "postgresql":
        return room is not None or "postgres_only" in marked
    return room in (None, "audit") or "both_databases" not in marked
