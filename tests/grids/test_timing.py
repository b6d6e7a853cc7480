"""When jobs are due: intervals, crontabs by the clocks of the site, and clocks that are put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridkit_django.exceptions import TimingError
from gridkit_django.grids.timing import EVERY_SECONDS_MAX, Timing, checked_timing

NEW_YORK = ZoneInfo("America/New_York")
AUTUMN = datetime(2026, 11, 1, 0, 40, tzinfo=NEW_YORK)
"""An hour and twenty minutes before the clocks are put back from 2:00 to 1:00."""
SPRING = datetime(2026, 3, 8, 0, 40, tzinfo=NEW_YORK)
"""An hour and twenty minutes before the clocks are put forward from 2:00 to 3:00."""


@pytest.fixture
def new_york(settings: object) -> None:
    settings.TIME_ZONE = "America/New_York"  # type: ignore[attr-defined]


def shown(cron: str, start: datetime, count: int) -> list[str]:
    """Return what the clocks of New York show at the next times of a crontab."""
    timing, moment, found = checked_timing(None, cron), start, []
    assert timing is not None
    for _ in range(count):
        moment = timing.next_after(moment)
        found.append(moment.astimezone(NEW_YORK).strftime("%d %H:%M%z"))
    return found


def test_hourly_job_runs_in_both_of_the_two_equal_hours(new_york: None) -> None:
    assert shown("0 * * * *", AUTUMN, 3) == ["01 01:00-0400", "01 01:00-0500", "01 02:00-0500"]


def test_job_that_names_its_hour_runs_once_where_the_hour_comes_twice(new_york: None) -> None:
    assert shown("30 1 * * *", AUTUMN, 2) == ["01 01:30-0400", "02 01:30-0500"]


@pytest.mark.parametrize("cron", ["30 1 * * *", "* 1-2 * * *"])
def test_job_that_is_first_seen_in_the_second_of_two_equal_hours_waits_until_it_is_over(
    new_york: None, cron: str
) -> None:
    second = datetime(2026, 11, 1, 1, 10, tzinfo=NEW_YORK, fold=1)
    assert shown(cron, second, 1)[0] > "01 01:59-0500"


def test_time_that_does_not_exist_is_taken_an_hour_later(new_york: None) -> None:
    assert shown("30 2 * * *", SPRING, 2) == ["08 03:30-0400", "09 02:30-0400"]


def test_times_that_fall_together_when_clocks_are_put_forward_run_once(new_york: None) -> None:
    assert shown("0 2,3 * * *", SPRING, 3) == ["08 03:00-0400", "09 02:00-0400", "09 03:00-0400"]


def test_hourly_job_of_one_day_a_month_keeps_to_that_day_over_a_change_of_clocks(new_york: None) -> None:
    found = shown("0 * 1 * *", datetime(2026, 11, 1, 22, 30, tzinfo=NEW_YORK), 2)
    assert found == ["01 23:00-0500", "01 00:00-0500"]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 6 * * mon-fri", datetime(2026, 3, 9, 10, 30, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2028, 2, 29, 5, tzinfo=UTC)),
        ("15  12 1 1 *", datetime(2027, 1, 1, 17, 15, tzinfo=UTC)),
    ],
)
def test_crontab_is_read_by_the_clocks_of_the_site(new_york: None, cron: str, expected: datetime) -> None:
    timing = checked_timing(None, cron)
    assert timing is not None
    assert timing.next_after(SPRING) == expected


@pytest.mark.parametrize(
    "cron", ["* * * *", "61 * * * *", "0 0 31 2 *", "x * * * *", "* * * * * *", f"{'1,' * 60}1 * * * *"]
)
def test_crontab_that_can_not_be_read_or_never_comes_is_refused(cron: str) -> None:
    with pytest.raises(TimingError, match="crontab"):
        checked_timing(None, cron)


@pytest.mark.parametrize(
    "every",
    [timedelta(0), timedelta(seconds=-5), timedelta(milliseconds=1500), timedelta(seconds=EVERY_SECONDS_MAX + 1)],
)
def test_interval_out_of_bounds_is_refused(every: timedelta) -> None:
    with pytest.raises(TimingError, match="whole seconds"):
        checked_timing(every, "")


def test_job_with_interval_and_crontab_is_refused() -> None:
    with pytest.raises(TimingError, match="Leave one out"):
        checked_timing(timedelta(hours=1), "0 * * * *")


def test_job_without_interval_and_crontab_has_no_timing() -> None:
    assert checked_timing(None, "") is None


@given(every=st.integers(1, 100_000), late=st.floats(0, 1e6))
def test_interval_keeps_its_rhythm_and_leaves_out_what_was_missed(every: int, late: float) -> None:
    due = datetime(2026, 1, 1, tzinfo=UTC)
    now = due + timedelta(seconds=late)

    found = Timing(every_seconds=every).next_after(due, now=now)

    assert now < found <= now + timedelta(seconds=every)
    assert (found - due) % timedelta(seconds=every) == timedelta(0)


@given(
    minutes=st.integers(0, 60 * 24 * 400),
    cron=st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 1-3 * * sun", "5 * 8,1 3,11 *", "59 23 31 * *", "* 1 * * *"]),
)
def test_next_time_is_always_later_and_shows_a_minute_that_the_crontab_names(minutes: int, cron: str) -> None:
    now = datetime(2026, 1, 1, 5, tzinfo=UTC) + timedelta(minutes=minutes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gridkit_django.grids.timing.timezone.get_default_timezone", lambda: NEW_YORK)
        timing = checked_timing(None, cron)
        assert timing is not None
        found = timing.next_after(now)
        again = timing.next_after(now + (found - now) / 2)

    assert found > now
    assert found.second == 0
    assert again == found
