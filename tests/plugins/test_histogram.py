"""The histogram: counts on a logarithmic scale that can be joined, stored and asked for percentiles."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit_django.plugins.histogram import BOUNDS, Histogram

durations = st.lists(st.integers(min_value=0, max_value=2 * BOUNDS[-1]), max_size=60)


def of(values: list[int]) -> Histogram:
    made = Histogram()
    for value in values:
        made.add(value)
    return made


@given(durations)
def test_adding_many_at_once_is_adding_each(values: list[int]) -> None:
    at_once = Histogram()
    at_once.add_sorted(sorted(values))
    assert at_once == of(values)
    assert len(at_once) == len(values)


@given(durations, durations)
def test_merged_histograms_count_what_one_would_have(first: list[int], second: list[int]) -> None:
    merged = of(first)
    merged.merge(of(second))
    assert merged == of(first + second)


@given(durations)
def test_stored_histogram_comes_back_as_it_was(values: list[int]) -> None:
    assert Histogram.from_dict(json.loads(json.dumps(of(values).as_dict()))) == of(values)


@given(
    st.lists(st.integers(min_value=BOUNDS[0], max_value=BOUNDS[-1] - 1), min_size=1, max_size=60),
    st.integers(min_value=1, max_value=100),
)
def test_percentile_is_right_to_within_a_tenth(values: list[int], percent: int) -> None:
    rank = -(-len(values) * percent // 100)
    exact = sorted(values)[max(0, rank - 1)] / 1e6
    assert of(values).percentile(percent) == pytest.approx(exact, rel=0.1)


def test_percentile_of_nothing_is_zero_and_of_the_extremes_is_the_bound() -> None:
    assert Histogram().percentile(95) == 0
    assert of([1]).percentile(50) == BOUNDS[0] / 1e6
    assert of([2 * BOUNDS[-1]]).percentile(50) == BOUNDS[-1] / 1e6


def test_one_of_a_sample_stands_for_many() -> None:
    sampled = Histogram()
    sampled.add_sorted([1000, 2000], each=8)
    assert len(sampled) == 16
    assert sampled != "a histogram"


def test_what_was_counted_since_is_told_by_subtracting_and_slow_calls_by_a_limit() -> None:
    earlier, later = of([1_000_000] * 5), of([1_000_000] * 8 + [50_000_000] * 3)
    since = later.minus(earlier)
    assert since == of([1_000_000] * 3 + [50_000_000] * 3)
    assert (since.over(7.0), since.over(0.5), since.over(100.0)) == (3, 6, 0)
    assert len(earlier.minus(later)) == 0
