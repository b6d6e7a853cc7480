"""Exports on a schedule: made as their owner, with what the owner may see at that moment."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import router, transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import GridKitError
from gridkit_django.exports.door import create_export
from gridkit_django.exports.jobs import OPEN_STATES
from gridkit_django.grids.timing import Timing
from gridkit_django.models import ExportJob, ExportSchedule

logger = logging.getLogger("gridkit_django.exports")


def run_due_exports() -> int:
    """Ask for each export whose time has come, once, however often it was missed; return how many were asked for.

    Two callers at once ask for none twice. A schedule whose last export is still under way is left out until its next
    time. What is refused is noted on the schedule, and tried again at its next time.
    """
    now = timezone.now()
    due = ExportSchedule.objects.select_related("owner").filter(enabled=True, next_run_at__lte=now)
    return sum(_take(schedule, now) for schedule in due.order_by("next_run_at", "pk"))


def next_run(schedule: ExportSchedule, now: datetime | None = None) -> datetime:
    """Return when a schedule is due next, by the clocks of the site.

    Raises:
        TimingError: when its crontab can't be read or never comes.
    """
    return Timing(cron=schedule.cron).next_after(now or timezone.now())


def note_schedule(schedule: ExportSchedule, action: str = "export.schedule", **evidence: str) -> None:
    """Record what became of a schedule.

    Args:
        schedule: as it is now.
        action: what was done with it.
        evidence: further facts.
    """
    facts = {"grid": schedule.grid, "format": schedule.format, "cron": schedule.cron, "enabled": schedule.enabled}
    record(
        action,
        target=Target("export-schedule", str(schedule.pk), schedule.name),
        grid=schedule.grid,
        evidence={**facts, "owner": schedule.owner.get_username(), **evidence},
    )


def pause_schedule(schedule: ExportSchedule, **evidence: str) -> None:
    """Make no more exports by a schedule.

    Args:
        schedule: the schedule.
        evidence: why, for the record.
    """
    with transaction.atomic(using=router.db_for_write(ExportSchedule)):
        ExportSchedule.objects.filter(pk=schedule.pk).update(enabled=False)
        schedule.enabled = False
        note_schedule(schedule, **evidence)


def resume_schedule(schedule: ExportSchedule) -> None:
    """Go on with a schedule; what was missed is not made up for."""
    with transaction.atomic(using=router.db_for_write(ExportSchedule)):
        ExportSchedule.objects.filter(pk=schedule.pk).update(enabled=True, next_run_at=next_run(schedule))
        schedule.enabled = True
        note_schedule(schedule)


def run_schedule(schedule: ExportSchedule) -> ExportJob | None:
    """Ask for the export of a schedule now; None when it is refused, which is noted on the schedule."""
    told = {"last_run_at": timezone.now(), "last_error": ""}
    job = None
    try:
        job = create_export(
            schedule.grid,
            schedule.query,
            schedule.format,
            schedule.owner,
            options=schedule.options,
            view=schedule.view,
            notify=schedule.notify,
            schedule=schedule,
        )
    except GridKitError as error:
        logger.warning("The scheduled export %s was refused: %s", schedule.pk, error.detail)
        told["last_error"] = error.detail
    except Exception as error:
        # Whatever is wrong with one schedule, the others are due as well.
        logger.exception("The scheduled export %s failed", schedule.pk)
        told["last_error"] = (
            f"Something on the server went wrong ({type(error).__name__}). It is tried again at its next time; "
            "the server's log says why."
        )
    ExportSchedule.objects.filter(pk=schedule.pk).update(**told)
    return job


def _take(schedule: ExportSchedule, now: datetime) -> bool:
    mine = ExportSchedule.objects.filter(pk=schedule.pk, enabled=True, next_run_at=schedule.next_run_at)
    try:
        following = next_run(schedule, now)
    except GridKitError as error:
        if mine.update(last_error=error.detail):
            with acting(Actor.system("exports"), EventSource.SYSTEM):
                pause_schedule(schedule, why=error.detail)
        return False
    if not mine.update(next_run_at=following):
        return False
    if ExportJob.objects.filter(schedule=schedule, state__in=OPEN_STATES).exists():
        logger.warning("The last export of the schedule %s is still under way, so none is made", schedule.pk)
        return False
    return run_schedule(schedule) is not None
