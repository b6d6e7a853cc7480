"""What each process counted of the version that it runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.models import RuntimeProcess
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.processes import ProcessReport, living_processes
from gridkit_django.plugins.version_figures import (
    VersionFigures,
    counted_since,
    figures_by_version,
    figures_of,
    told_by,
)
from tests.plugins.samples import Listener

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def told(pid: int, digest: str, *, silent: float = 0, **facts: Any) -> None:
    now = timezone.now()
    figures = {"listener": {"version": digest, "digest": digest, "calls": 0, "errors": 0, "total_ms": 0.0, **facts}}
    RuntimeProcess.objects.create(
        host="h", pid=pid, kind="web", figures=figures, started_at=now, seen_at=now - timedelta(seconds=silent)
    )


def test_figures_of_processes_with_the_same_content_are_added_up_most_processes_first() -> None:
    told(1, "new", calls=4, errors=1, total_ms=10.0)
    told(2, "old", calls=100, errors=2, total_ms=50.0)
    told(3, "old", calls=60, errors=0, total_ms=30.0)
    told(4, "old", calls=9000, silent=3600)

    old, new = figures_by_version("listener")

    assert old == VersionFigures("old", "old", 2, 160, 2, 80.0)
    assert (old.mean_ms, old.error_share) == (0.5, 0.0125)
    assert (new.processes, new.mean_ms, new.error_share) == (1, 2.5, 0.25)
    assert figures_by_version("another") == ()


def test_version_that_was_not_called_has_neither_errors_nor_a_time() -> None:
    told(1, "new")
    (found,) = figures_by_version("listener")
    assert (found.error_share, found.mean_ms) == (0.0, 0.0)


def test_process_tells_what_its_plugins_counted(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    live = manager.runtime.live["listener"]
    stats = live.all_stats()[0]
    stats.add(3_000_000, 0, 50, None)
    stats.add(1_000_000, 0, 50, ValueError("no"))
    manager.runtime.process.kind = "web"

    manager.runtime.process.write(ProcessReport(4711))

    (process,) = living_processes()
    assert told_by(process, "listener") == {
        "version": live.metadata.version,
        "digest": live.code.digest,
        "calls": 2,
        "errors": 1,
        "total_ms": 4.0,
    }


def test_times_are_told_of_those_plugins_only_for_which_they_are_wanted(manager: PluginManager) -> None:
    manager.install_plugin(Listener)
    live = manager.runtime.live
    live["listener"].all_stats()[0].add(3_000_000, 0, 50, None)
    assert "times" not in figures_of(live, {"another"})["listener"]
    before = figures_of(live, {"listener"})["listener"]
    for _ in range(2):
        live["listener"].all_stats()[0].add(9_000_000, 0, 50, None)

    since = counted_since(figures_of(live, {"listener"})["listener"], before)

    found = VersionFigures("1", "d").plus(since)
    assert (found.calls, found.total_ms, found.p95_ms) == (2, 18.0, pytest.approx(9, rel=0.1))
    assert counted_since(before, {**before, "digest": "other"}) == before
    assert counted_since(before, {**before, "calls": 9}) == before, "it began anew"
