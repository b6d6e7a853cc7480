"""Whether a new version does worse: by errors and by the slowest calls, with few calls and with many."""

from __future__ import annotations

import pytest

from gridkit_django.marketplace.client.verdict import at_least, fault_of
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
