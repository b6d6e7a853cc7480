"""Counting calls, limiting rates, joining verdicts, waiting no longer than allowed."""

from __future__ import annotations

import threading
import time

import pytest

from gridkit_django.exceptions import PluginLimitError
from gridkit_django.models import HealthStatus
from gridkit_django.plugins import PluginHealth
from gridkit_django.plugins.deadline import DeadlineCaller, DeadlineError
from gridkit_django.plugins.depth import DEPTH_MAX, one_deeper
from gridkit_django.plugins.limits import RateLimiter
from gridkit_django.plugins.stats import CallStats, CpuMeter


def test_figures_tell_calls_errors_slowness_and_percentiles() -> None:
    stats = CallStats("handler")
    for milliseconds in range(1, 101):
        stats.add(milliseconds * 1_000_000, 500_000, 90, ValueError("late") if milliseconds == 100 else None)
    figures = stats.figures()
    assert (figures.calls, figures.errors, figures.slow) == (100, 1, 10)
    assert (figures.p50_ms, figures.p95_ms) == (pytest.approx(50, rel=0.1), pytest.approx(95, rel=0.1))
    assert (figures.total_ms, figures.cpu_ms) == (5050.0, 50.0)
    assert figures.last_error == "ValueError: late"


def test_times_of_all_calls_stay_when_what_is_new_is_taken() -> None:
    stats = CallStats("handler")
    stats.add(1_000_000, 0, 50, None)
    assert len(stats.take().histogram) == 1
    stats.add_quick(2, 4_000_000, [((2_000_000, 2_000_000), 1)])
    assert (len(stats.times()), stats.times().percentile(95)) == (3, pytest.approx(2, rel=0.1))
    assert len(stats.take().histogram) == 2
    assert len(stats.times()) == 3


def test_figures_of_no_call_are_zero() -> None:
    figures = CallStats("handler").figures()
    assert (figures.calls, figures.p50_ms, figures.p95_ms, figures.last_error) == (0, 0.0, 0.0, "")


def test_cpu_meter_is_a_share_of_a_core() -> None:
    meter = CpuMeter()
    meter.add(500_000_000)
    assert 40 < meter.percent() <= 50


def test_rate_limiter_gives_its_bucket_and_fills_it_again() -> None:
    limiter = RateLimiter(50)
    taken = sum(limiter.take() for _ in range(60))
    assert 50 <= taken < 60
    until = time.monotonic() + 5
    while not limiter.take():
        assert time.monotonic() < until


def test_rate_of_zero_gives_nothing() -> None:
    assert not RateLimiter(0).take()


def test_worst_of_two_verdicts_wins_and_both_are_told() -> None:
    joined = PluginHealth.degraded("slow", p95=3).worst(PluginHealth.unhealthy("dead"))
    assert (joined.status, joined.message, joined.details) == (HealthStatus.UNHEALTHY, "slow dead", {"p95": 3})
    assert PluginHealth.healthy().worst(PluginHealth.healthy("fine")).status is HealthStatus.HEALTHY


def test_depth_ends_in_an_error_and_comes_back() -> None:
    def deeper(level: int) -> int:
        with one_deeper("p"):
            return deeper(level + 1)

    with pytest.raises(PluginLimitError, match="circle"):
        deeper(0)
    with one_deeper("p"):
        assert DEPTH_MAX == 8


def test_deadline_passes_results_and_errors_on() -> None:
    caller = DeadlineCaller()
    assert caller.call("p", lambda: 7, 5) == 7
    with pytest.raises(KeyError, match="gone"):
        caller.call("p", lambda: {}["gone"], 5)


def test_call_that_hangs_is_left_behind_and_no_second_one_is_started() -> None:
    caller, release = DeadlineCaller(), threading.Event()
    with pytest.raises(DeadlineError, match="within"):
        caller.call("p", release.wait, 0.01)
    with pytest.raises(DeadlineError, match="still hangs"):
        caller.call("p", release.wait, 0.01)
    assert caller.call("other", lambda: 1, 5) == 1
    release.set()
    until = time.monotonic() + 5
    while True:
        try:
            assert caller.call("p", lambda: 2, 5) == 2
            break
        except DeadlineError:
            assert time.monotonic() < until
