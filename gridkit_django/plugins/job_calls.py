"""A run of a plugin's job, as the plugin sees it, and the job as it registers it: plain values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gridkit_django.conf import settings
from gridkit_django.grids.timing import Timing
from gridkit_django.plugins.stats import CallStats
from gridkit_django.typing import JSONObject, JSONValue


@dataclass(frozen=True, slots=True)
class JobCall:
    """One run of a job.

    Attributes:
        job: the job's name.
        arguments: what it was started with; a scheduled run has none.
        run_id: the run's id, which is also the correlation id of all that it causes.
        scheduled: whether it was started by its schedule.
    """

    job: str
    arguments: JSONObject
    run_id: str
    scheduled: bool


JobHandler: TypeAlias = Callable[[JobCall], JSONValue]
"""What a plugin registers: takes the call, returns a JSON value that is kept with the run."""


@dataclass(frozen=True, slots=True)
class RegisteredJob:
    """One job that a plugin offers.

    Attributes:
        name: unique in the plugin.
        handler: what is called in a worker.
        label: a name for people.
        timing: when it runs by itself; None for only when it is asked to.
        schema: JSON Schema (2020-12) of the arguments.
    """

    name: str
    handler: JobHandler
    label: str
    timing: Timing | None
    schema: JSONObject


class JobStats(CallStats):
    """Counts the runs of one job. Nobody waits for them, so none is slow: they have a time of their own."""

    def add(self, wall_ns: int, cpu_ns: int, budget_ms: int, error: BaseException | None) -> None:
        """Count one run; the budget of handlers plays no part, only ``JOB_SECONDS_MAX`` does."""
        super().add(wall_ns, cpu_ns, max(budget_ms, settings().JOB_SECONDS_MAX * 1000), error)
