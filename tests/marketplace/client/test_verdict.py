"""Whether a new version does worse: by errors and by the slowest calls, with few calls and with many."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.marketplace.client.canary_choice import chosen_process, key_of
from gridkit_django.marketplace.client.verdict import at_least, fault_of
from gridkit_django.models import RuntimeProcess
from gridkit_django.plugins.histogram import Histogram
from gridkit_django.plugins.version_figures import VersionFigures


def counted(calls: int, errors: int = 0, slow: int = 0) -> VersionFigures:
    """Return figures of calls of 1 ms, and some of 50 ms."""
    spread = Histogram()
    spread.add_sorted([1_000_000] * (calls - slow) + [50_000_000] * slow)
    return VersionFigures("1", "sha256:1", 1, calls, errors, calls - slow + 50.0 * slow, spread)


def test_versions_are_compared_by_errors_and_time_and_only_with_enough_calls() -> None:
    old = counted(1000, errors=10)
    assert fault_of(counted(19, errors=19, slow=19), old) == "", "too few calls"
    assert fault_of(counted(100, errors=11), old) == "", "it may be chance"
    assert fault_of(counted(100, errors=12), old).startswith("12.0% of the calls raised, with the version in use 1.0%")
    assert fault_of(counted(20, errors=3), counted(20)) == ""
    assert fault_of(counted(20, errors=4), counted(20)).startswith("20.0% of the calls raised")


def test_slow_calls_are_judged_by_the_slowest_of_them_and_some_by_chance_are_no_verdict() -> None:
    old = counted(1000, slow=10)
    assert fault_of(counted(20, slow=3), old) == "", "the mean would be five times as long"
    assert fault_of(counted(20, slow=4), old).startswith("95 of 100 calls took up to 5")
    assert fault_of(counted(1000, slow=60), old) == ""
    assert fault_of(counted(1000, slow=70), old).endswith("with the version in use up to 1.0 ms")
    assert fault_of(counted(100, slow=100), counted(3)) == "", "nothing to compare with"
    assert fault_of(counted(100, slow=100), counted(100, slow=20)) == "", "the version in use has such calls, too"


def test_share_that_stands_behind_figures_is_the_nearer_the_more_there_are() -> None:
    found = [at_least(count, of) for count, of in ((0, 0), (0, 20), (2, 20), (20, 200), (2000, 20_000), (20, 20))]
    assert found == sorted(found)
    assert found[:2] == [0.0, 0.0]
    assert found[-2] == pytest.approx(0.1, abs=0.006)
    assert found[-1] < 1


OLD, NEW = "sha256:old", "sha256:new"


def living(pid: int, kind: str, *, digest: str = OLD, age: int = 0, **facts: Any) -> RuntimeProcess:
    now = timezone.now()
    told = {"@acme/colours": {"version": "1", "digest": digest}}
    at = {"started_at": now - timedelta(hours=age), "seen_at": now}
    return RuntimeProcess.objects.create(host="h", pid=pid, kind=kind, **{"figures": told, **at, **facts})


@pytest.mark.django_db
def test_canary_is_the_youngest_web_process_of_several_else_the_youngest_of_celery() -> None:
    def chosen(*lost: RuntimeProcess) -> int | None:
        found = chosen_process("@acme/colours", NEW, {key_of(item) for item in lost})
        return found.pid if found is not None else None

    living(1, "celery", age=2)
    assert chosen() is None
    living(2, "celery", age=1)
    assert chosen() == 2
    living(3, "web", age=9)
    living(4, "web", digest=NEW)
    living(5, "web", safe_mode=True)
    living(6, "web", seen_at=timezone.now() - timedelta(hours=1))
    living(7, "web", figures={})
    assert chosen() == 2, "only one web process could"
    young, old = living(8, "web", age=1), living(9, "web", age=5)
    assert chosen() == 8
    assert chosen(young) == 9
    assert chosen(young, old) == 2
