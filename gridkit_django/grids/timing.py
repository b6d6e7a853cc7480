"""When a job runs by itself: at an interval, or by a crontab in the site's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any

from celery.schedules import ParseException, crontab
from django.utils import timezone

from gridkit_django.exceptions import TimingError

EVERY_SECONDS_MAX = 366 * 86_400
_CRON_FIELDS = 5
CRON_LENGTH_MAX = 100
_HOURS_OF_A_DAY = 24
_TRIES_MAX = 200


@dataclass(frozen=True, slots=True)
class Timing:
    """When a job is due. Exactly one of the two is given; ``checked_timing`` makes it.

    Attributes:
        every_seconds: the interval, or None.
        cron: five fields: minute, hour, day of the month, month, day of the week; empty for an interval.
    """

    every_seconds: int | None = None
    cron: str = ""

    def next_after(self, moment: datetime, *, now: datetime | None = None) -> datetime:
        """Return when the job is due next; what was missed until now is left out.

        A crontab is read by the clocks of the site (``TIME_ZONE``). Where clocks are put forward, a time that does not
        exist is taken an hour later. Where they are put back, a job that names its hours runs in the first of the two
        equal hours only; one that runs every hour runs in both.

        Args:
            moment: when it was due or ran last, aware.
            now: the answer is later than this; None for ``moment``.
        """
        now = max(now or moment, moment)
        if self.every_seconds is not None:
            step = timedelta(seconds=self.every_seconds)
            return moment + step * (floor((now - moment) / step) + 1)
        return _next_by_clock(_parsed(self.cron), now)


def checked_timing(every: timedelta | None, cron: str) -> Timing | None:
    """Make the timing of what an author wrote; None when the job runs only when it is asked to.

    Args:
        every: an interval of whole seconds, from 1 second to 366 days.
        cron: a crontab of five fields.

    Raises:
        TimingError: for both at once, an interval out of bounds, or a crontab that can't be read or never comes.
    """
    if every is not None and cron:
        raise TimingError("There is an interval (every) and a crontab (cron). Leave one out.")
    if every is not None:
        seconds = every.total_seconds()
        if seconds != int(seconds) or not 1 <= seconds <= EVERY_SECONDS_MAX:
            raise TimingError(f"An interval is whole seconds, from 1 second to 366 days, not {every}.")
        return Timing(every_seconds=int(seconds))
    if not cron:
        return None
    timing = Timing(cron=" ".join(cron.split()))
    if len(timing.cron) > CRON_LENGTH_MAX:
        raise TimingError(f"A crontab has at most {CRON_LENGTH_MAX} characters.")
    timing.next_after(timezone.now())
    return timing


def _parsed(cron: str) -> Any:
    """Read a crontab with Celery's own reader; its stubs know too little of the ``crontab`` that this returns.

    Raises:
        TimingError: when it is none.
    """
    try:
        return crontab.from_string(cron)
    except (ValueError, TypeError, ParseException) as error:
        fields = len(cron.split())
        why = error if fields == _CRON_FIELDS else f"it has {fields} field{'' if fields == 1 else 's'}"
        raise TimingError(
            f"{cron!r} is no crontab ({why}). Expected five fields: minute, hour, day of the month, month, day of "
            "the week, such as '30 6 * * mon-fri'."
        ) from error


def _next_by_clock(spec: Any, now: datetime) -> datetime:
    """Return the next moment at which the clocks of the site show what the crontab names."""
    candidates = [_next_of_zone(spec, now)]
    if len(spec.hour) == _HOURS_OF_A_DAY:
        # By the offset of now: so an hour that the clocks show twice has its second turn, too.
        zone = timezone.get_default_timezone()
        local = now.astimezone(zone)
        steady = timezone.get_fixed_timezone(local.utcoffset() or timedelta())
        found = _next_on_the_wall(spec, local.replace(tzinfo=None)).replace(tzinfo=steady)
        if _names(spec, found.astimezone(zone)):
            candidates.append(found)
    return min(candidates).astimezone(UTC)


def _next_of_zone(spec: Any, now: datetime) -> datetime:
    """Walk along the clocks of the site until they show a time that is later than now."""
    zone = timezone.get_default_timezone()
    wall = now.astimezone(zone).replace(tzinfo=None, fold=0)
    for _ in range(_TRIES_MAX):
        wall = _next_on_the_wall(spec, wall)
        # A time that does not exist gets the offset from before the change, which makes it an hour later.
        found = wall.replace(tzinfo=zone).astimezone(UTC)
        if found > now:
            return found
    raise TimingError(f"No time was found for the crontab {spec!r}. Write it in another way.")


def _next_on_the_wall(spec: Any, wall: datetime) -> datetime:
    """Return the next time of a clock that is never changed.

    Raises:
        TimingError: when there is none, such as the 31st of February.
    """
    spec.tz = UTC
    spec.nowfun = lambda: wall.replace(tzinfo=UTC)
    try:
        last, delta, _ = spec.remaining_delta(wall.replace(tzinfo=UTC), tz=UTC)
    except RuntimeError as error:
        raise TimingError(f"The crontab {spec!r} never comes: {error}. Write it in another way.") from error
    found: datetime = last + delta
    return found.replace(tzinfo=None)


def _names(spec: Any, local: datetime) -> bool:
    """Whether a crontab that runs at every hour names this day and minute."""
    weekday = local.isoweekday() % 7
    day = local.day in spec.day_of_month and local.month in spec.month_of_year and weekday in spec.day_of_week
    return day and local.minute in spec.minute
