"""A clock that goes back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock


@contextmanager
def clock_back(by: dt.timedelta) -> Iterator[None]:
    """Let the clock of this process be slow; functions that were handed on before tell the slow time, too."""

    class Slow(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return dt.datetime.now(tz) - by

    with mock.patch("django.utils.timezone.datetime", Slow):
        yield
