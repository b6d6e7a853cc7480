"""Bulk changes that a worker carries out: who takes them, how far they are, how they end.

Every change of state is one conditional UPDATE. The last one belongs to the transaction of the change itself: a job
that was cancelled before it ends changes nothing, and one that has ended can't be cancelled any more.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, cast

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import connections, router, transaction
from django.db.models import Q, QuerySet
from django.db.models.sql import UpdateQuery
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.events import Act, Actor, EventSource, acting, current_act
from gridkit_django.exceptions import (
    AccessDeniedError,
    BulkCancelled,
    BulkLimitError,
    BulkLostError,
    EditError,
    GridKitError,
    TaskQueueUnsetError,
)
from gridkit_django.grids.access import GridAccess, open_grid
from gridkit_django.grids.bulk import BulkChange, BulkResult, carry_out_bulk
from gridkit_django.grids.locking import lock_user
from gridkit_django.models import BulkJob
from gridkit_django.models.edits import BulkJobState
from gridkit_django.typing import MutableJSONObject, User

logger = logging.getLogger("gridkit_django.grids")

OPEN_STATES = (BulkJobState.QUEUED, BulkJobState.RUNNING)
SECONDS_BETWEEN_UPDATES = 0.5
RUNS_AT_MOST = timedelta(hours=12)
"""A job that runs for longer is taken for lost with its worker."""
WAITS_AT_MOST = timedelta(hours=24)
"""A job that waits for longer is taken for lost with its message."""


class BulkQueue(Protocol):
    """Hands a job to a worker. The task queue stands above this room, so it is handed in on the app config."""

    def enqueue_bulk(self, job_id: uuid.UUID) -> None:
        """Let a worker run ``run_bulk(job_id)`` soon. The job's row is committed already."""
        ...


def create_bulk_job(access: GridAccess, change: BulkChange) -> BulkJob:
    """Store a bulk change that was judged by ``check_bulk``; after the commit a worker is told.

    Args:
        access: the grid and the user, who becomes the owner.
        change: what is wanted.

    Raises:
        BulkLimitError: when the user has as many bulk changes under way as one user may have.
    """
    fail_lost_bulk_jobs()
    frozen = BulkChange(change.action, change.selection.frozen(access), change.expected, change.changes, change.cascade)
    with transaction.atomic(using=_database()):
        lock_user(access.user.pk, _database())
        job = BulkJob.objects.create(
            grid=access.grid_id,
            owner_id=cast("int", access.user.pk),
            request={**frozen.to_dict(), "reason": current_act().reason},
            rows_total=change.expected,
            correlation_id=current_act().correlation_id,
        )
        _check_limit(job)
        transaction.on_commit(partial(_enqueue, job.pk), using=_database())
    return job


def find_bulk_job(access: GridAccess, job_id: uuid.UUID | str) -> BulkJob | None:
    """Return a job of this user on this grid, or None: somebody else's does not exist."""
    try:
        return bulk_jobs(access).filter(pk=job_id).first()
    except ValidationError:
        return None


def bulk_jobs(access: GridAccess) -> QuerySet[BulkJob]:
    """Return the jobs of this user on this grid."""
    return BulkJob.objects.filter(owner_id=cast("int", access.user.pk), grid=access.grid_id)


def cancel_bulk(job: BulkJob) -> BulkJob:
    """Stop a job that is queued or runs: nothing of it is kept. One that has ended stays as it is.

    Returns:
        The job as it is now.
    """
    mine = BulkJob.objects.filter(pk=job.pk, state__in=OPEN_STATES)
    mine.update(state=BulkJobState.CANCELLED, finished_at=timezone.now())
    job.refresh_from_db()
    return job


def run_bulk(job_id: uuid.UUID | str) -> None:
    """Carry out a queued job as its owner, with the rights of now. How it went stands on the job; nothing is raised.

    Args:
        job_id: primary key of the job; one that is gone, cancelled, or in another worker's hands is left alone.
    """
    job = _claim(job_id)
    if job is None:
        return
    with _as_owner(job):
        try:
            _produce(job)
        except BulkCancelled:
            logger.info("Bulk change %s was cancelled", job.pk)
        except GridKitError as error:
            _fail(job, error)
        except Exception as error:
            logger.exception("Bulk change %s failed", job.pk)
            _fail(job, EditError(f"The bulk change failed ({type(error).__name__}); nothing was changed. See the log."))


def fail_lost_bulk_jobs() -> int:
    """End jobs that nobody works on any more, and return how many."""
    now = timezone.now()
    running = Q(state=BulkJobState.RUNNING, started_at__lt=now - RUNS_AT_MOST)
    waiting = Q(state=BulkJobState.QUEUED, created_at__lt=now - WAITS_AT_MOST)
    return BulkJob.objects.filter(running | waiting).update(
        state=BulkJobState.FAILED,
        finished_at=now,
        error_code=BulkLostError.code,
        error_detail="No worker has carried out this bulk change; nothing was changed. Ask for it again.",
    )


def describe_bulk_job(job: BulkJob) -> MutableJSONObject:
    """Return a job as it goes over the wire; the face adds its address."""
    failed = {"code": job.error_code, "detail": job.error_detail} if job.error_code else None
    done = job.state == BulkJobState.FINISHED
    share = job.rows_done / job.rows_total if job.rows_total else 0.0
    return {
        "id": str(job.pk),
        "grid": job.grid,
        "kind": "bulk",
        "action": job.request["action"],
        "state": str(job.state),
        "progress": 1.0 if done else min(share, 0.99),
        "rows": job.rows_done,
        "rowsTotal": job.rows_total,
        "createdAt": _moment(job.created_at),
        "startedAt": _moment(job.started_at),
        "finishedAt": _moment(job.finished_at),
        "error": failed,
        "result": job.result,
    }


class JobProgress:
    """Tells a running job how far it is, and notices when its owner has stopped it.

    The change is one transaction, whose writes nobody sees before it ends. So where the database locks rows, each
    write goes over a connection of its own. SQLite has one writer at a time, for all tables: there a job tells how far
    it is when it has ended. To commit chunk by chunk would give up that all of it is done or none.

    Args:
        job: the job of this worker.
        clock: seconds that only go forward.
    """

    def __init__(self, job: BulkJob, clock: Callable[[], float] = time.monotonic) -> None:
        alias = _database()
        self._job = job
        self._clock = clock
        self._told_at = clock()
        can = connections[alias].features.has_select_for_update
        self._connection = connections.create_connection(alias) if can else None

    def __enter__(self) -> JobProgress:
        """Return this."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def __call__(self, rows: int) -> None:
        """Tell the job how many rows are done, now and then.

        Raises:
            BulkCancelled: when the job does not run any more.
        """
        if self._connection is None or self._clock() - self._told_at < SECONDS_BETWEEN_UPDATES:
            return
        self._told_at = self._clock()
        update = cast("UpdateQuery", _this_run(self._job).query.chain(UpdateQuery))
        update.add_update_values({"rows_done": rows})
        sql, parameters = update.get_compiler(connection=self._connection).as_sql()
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            if not cursor.rowcount:
                raise _cancelled()


def _as_owner(job: BulkJob) -> AbstractContextManager[Act]:
    """Act as the job's owner, for the reason that was given; circumstances come with the task, if it says them."""
    sent = current_act()
    mine = sent if sent.correlation_id == job.correlation_id else Act()
    return acting(
        Actor.from_user(job.owner),
        EventSource.API,
        correlation_id=job.correlation_id or None,
        metadata=dict(mine.metadata),
        impersonator=mine.impersonator,
        reason=job.request.get("reason", ""),
    )


def _check_limit(job: BulkJob) -> None:
    limit = settings().BULK_JOBS_PER_USER
    if BulkJob.objects.filter(owner_id=job.owner_id, state__in=OPEN_STATES).count() > limit:
        raise BulkLimitError(
            f"{limit} of your bulk changes are queued or running, the most that one user may have. Wait, or stop one. "
            "Nothing was changed."
        )


def _produce(job: BulkJob) -> None:
    access = _access(job)
    change = BulkChange.from_dict(job.request)
    with transaction.atomic(using=_database()), JobProgress(job) as progress:
        carry_out_bulk(access, change, progress=progress, finish=partial(_finish, job))


def _access(job: BulkJob) -> GridAccess:
    """Open the grid as the owner is now: rights that were lost since the request are lost for the job.

    Raises:
        AccessDeniedError: when the owner's account is disabled.
        GridNotFoundError: when the owner may no longer open the grid.
    """
    if not job.owner.is_active:
        raise AccessDeniedError("The account that asked for this bulk change is disabled.")
    return open_grid(job.grid, cast("User", job.owner))


def _finish(job: BulkJob, result: BulkResult) -> None:
    """End the job in the transaction of its change.

    Raises:
        BulkCancelled: when it does not run any more.
    """
    now = timezone.now()
    values: dict[str, Any] = {"rows_done": result.rows, "result": result.to_dict(), "finished_at": now}
    if not _this_run(job).update(state=BulkJobState.FINISHED, **values):
        raise _cancelled()


def _fail(job: BulkJob, error: GridKitError) -> None:
    of_row = f" (row {error.extra['id']})" if "id" in error.extra else ""
    detail = error.detail + of_row
    _this_run(job).update(
        state=BulkJobState.FAILED, finished_at=timezone.now(), error_code=error.code, error_detail=detail, rows_done=0
    )


def _claim(job_id: uuid.UUID | str) -> BulkJob | None:
    queued = BulkJob.objects.filter(pk=job_id, state=BulkJobState.QUEUED)
    if not queued.update(state=BulkJobState.RUNNING, started_at=timezone.now()):
        return None
    return BulkJob.objects.select_related("owner").filter(pk=job_id).first()


def _this_run(job: BulkJob) -> QuerySet[BulkJob]:
    return BulkJob.objects.filter(pk=job.pk, state=BulkJobState.RUNNING, started_at=job.started_at)


def _enqueue(job_id: uuid.UUID) -> None:
    """Hand the job to a worker; a queue that can't be reached is a failure of the job, not of the request."""
    queue = cast("BulkQueue", apps.get_app_config("gridkit_django").job_queue)  # type: ignore[attr-defined]
    try:
        queue.enqueue_bulk(job_id)
    except Exception as error:  # whatever the queue's client raises, recorded on the job
        logger.exception("Bulk change %s could not be queued", job_id)
        detail = TaskQueueUnsetError.tell(error)
        BulkJob.objects.filter(pk=job_id, state=BulkJobState.QUEUED).update(
            state=BulkJobState.FAILED, finished_at=timezone.now(), error_code=BulkLostError.code, error_detail=detail
        )


def _cancelled() -> BulkCancelled:
    return BulkCancelled("The bulk change was stopped while it ran; nothing was changed.")


def _database() -> str:
    return router.db_for_write(BulkJob)


def _moment(value: Any) -> str | None:
    return None if value is None else value.isoformat()
