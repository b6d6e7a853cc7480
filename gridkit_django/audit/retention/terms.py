"""Terms such as ``7y``: how long something is kept, by the calendar."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta

from gridkit_django.exceptions import AuditRetentionError

_FORM = re.compile(r"([1-9]\d{0,3})([dwmy])")


@dataclass(frozen=True, slots=True)
class Term:
    """A number of days, weeks, months or years.

    Attributes:
        number: how many, 1 to 9999.
        unit: ``d``, ``w``, ``m`` or ``y``.
    """

    number: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Term:
        """Read ``90d``, ``2w``, ``18m`` or ``7y``.

        Raises:
            AuditRetentionError: for anything else.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise AuditRetentionError(f"{text!r} is no term. Write a number and d, w, m or y, for example 90d or 7y.")
        return cls(int(found[1]), found[2])

    def before(self, moment: datetime) -> datetime:
        """Return the moment that lies so long before another one.

        A day that the month lacks becomes its last one: a month before 31 March is 28 or 29 February. What lies before
        the year 1 is the beginning of the year 1.
        """
        if self.unit in "dw":
            days = self.number * (7 if self.unit == "w" else 1)
            passed = (moment - _first(moment)).days
            return moment - timedelta(days=days) if passed > days else _first(moment)
        year, month = divmod(_months(moment) - self._months, 12)
        return _first(moment) if year < 1 else _placed(moment, year, month)

    def after(self, moment: datetime) -> datetime | None:
        """Return the moment that lies so long after another one, by the same rules; None beyond the year 9999."""
        if self.unit in "dw":
            days = self.number * (7 if self.unit == "w" else 1)
            left = (datetime.max.replace(tzinfo=moment.tzinfo) - moment).days
            return moment + timedelta(days=days) if days < left else None
        year, month = divmod(_months(moment) + self._months, 12)
        return None if year > MAXYEAR else _placed(moment, year, month)

    @property
    def _months(self) -> int:
        return self.number * (12 if self.unit == "y" else 1)

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"


def _months(moment: datetime) -> int:
    return moment.year * 12 + moment.month - 1


def _placed(moment: datetime, year: int, month: int) -> datetime:
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _first(moment: datetime) -> datetime:
    return datetime(1, 1, 1, tzinfo=moment.tzinfo)
