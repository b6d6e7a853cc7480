"""Jobs of plugins: registered by the plugin, started by it, by its schedule or by a person, carried out in a worker."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping
from signal import SIGTERM
from typing import Any, Protocol

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from gridkit_django.conf import settings
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import (
    GridKitError,
    JobArgumentsError,
    JobNotFoundError,
    PluginError,
    PluginJobError,
    PluginLimitError,
    PluginStateError,
)
from gridkit_django.models import InstalledPlugin, PluginJobRun
from gridkit_django.plugins.backend import Unsubscribe
from gridkit_django.plugins.config import secrets_of
from gridkit_django.plugins.generation import GenerationStore
from gridkit_django.plugins.job_arguments import checked_arguments, checked_result
from gridkit_django.plugins.job_calls import JobCall, JobStats, RegisteredJob
from gridkit_django.plugins.job_runs import (
    DELAY_SECONDS_MAX,
    LOST,
    RunRequest,
    add_run,
    claim_run,
    fail_run,
    find_run,
    finish_run,
    queued_runs,
)
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import without_secrets
from gridkit_django.plugins.stats import CallStats, describe
from gridkit_django.typing import JSONObject, JSONValue, User

logger = logging.getLogger("gridkit_django.plugins")

JOBS_MAX = 50
QUEUED_MAX = 1000
LABEL_LENGTH_MAX = 200

_TOLD_TO_END = -(256 - SIGTERM)
"""With what a child of Celery's pool leaves when it is told to end, out of whatever code it is in."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class JobRuntime(Protocol):
    """What jobs need of the runtime."""

    @property
    def live(self) -> Mapping[str, LivePlugin]:
        """The plugins at work in this process."""
        ...

    @property
    def generation(self) -> int:
        """The generation that this process followed last."""
        ...

    @property
    def generations(self) -> GenerationStore:
        """The generation in the database."""
        ...

    def ensure_current(self) -> None:
        """Follow the database, if that was not checked since the task began."""
        ...

    def handler_failed(self, owner: LivePlugin, error: BaseException) -> None:
        """Count a failure of a plugin, and suspend it after too many."""
        ...


def register(live: LivePlugin, job: RegisteredJob) -> Unsubscribe:
    """Add a job to a plugin, and return a function that takes it away.

    Raises:
        PluginError: for a name or a label that is wrong, and for a schedule whose job wants arguments.
        PluginStateError: when the plugin has a job of this name.
        PluginLimitError: over ``JOBS_MAX`` jobs.
    """
    if not _NAME.fullmatch(job.name):
        raise PluginError(f"{job.name!r} is no job name: small letters, digits, '-' and '_', a letter first.")
    if not 1 <= len(job.label) <= LABEL_LENGTH_MAX:
        raise PluginError(f"The label of the job {job.name!r} has 1 to {LABEL_LENGTH_MAX} characters.")
    if job.timing is not None:
        _check_callable_without_arguments(job)
    if job.name in live.jobs:
        raise PluginStateError(f"{live.plugin_id} has a job {job.name!r} already. Choose another name.")
    if len(live.jobs) >= JOBS_MAX:
        raise PluginLimitError(f"{live.plugin_id} has {JOBS_MAX} jobs, the most that a plugin may have.")
    live.jobs = {**live.jobs, job.name: (job, JobStats(f"job {job.name}"))}

    def remove() -> None:
        live.jobs = {name: entry for name, entry in live.jobs.items() if entry[0] is not job}

    return remove


def start(
    runtime: JobRuntime,
    plugin_id: str,
    name: str,
    arguments: Mapping[str, Any],
    *,
    user: User | None = None,
    delay_seconds: int = 0,
) -> PluginJobRun:
    """Write down a run of a job, in the transaction under way; a worker gets it after the commit.

    Args:
        runtime: the runtime of this process.
        plugin_id: the plugin, which is at work in this process.
        name: the job.
        arguments: what it is started with.
        user: the person who asks; None when the plugin does.
        delay_seconds: how long the worker waits, 0 to a day.

    Raises:
        JobNotFoundError: when the plugin is not at work here, may have no jobs, or has none of this name.
        JobArgumentsError: when the arguments break the job's schema.
        PluginJobError: for a delay that is out of bounds.
        PluginLimitError: when ``QUEUED_MAX`` runs of the plugin wait already.
    """
    _, job, _ = _offered(runtime.live.get(plugin_id), plugin_id, name)
    if not 0 <= delay_seconds <= DELAY_SECONDS_MAX:
        raise PluginJobError(f"A run is delayed by 0 to {DELAY_SECONDS_MAX} seconds, not by {delay_seconds}.")
    checked = checked_arguments(job, arguments)
    row = InstalledPlugin.objects.using(database()).get(plugin_id=plugin_id)
    if queued_runs(row) >= QUEUED_MAX:
        raise PluginLimitError(
            f"{QUEUED_MAX} runs of {plugin_id} wait for a worker, the most that may. Start fewer, or more workers."
        )
    request = RunRequest(name, checked, runtime.generations.current(), user=user, delay_seconds=delay_seconds)
    with transaction.atomic(using=database()):
        return add_run(row, request)


def carry_out(runtime: JobRuntime, run_id: uuid.UUID | str) -> bool:
    """Carry out a queued run in this process; how it went is written on its row.

    Nothing is done for a run that is gone or that another worker took.

    Returns:
        False when this process has not followed the generation that the run needs, so that it must be tried again.
    """
    run = find_run(run_id)
    if run is None:
        return True
    runtime.ensure_current()
    if runtime.generation < run.generation:
        return False
    if claim_run(run):
        _finish(runtime, run)
    return True


def give_up_behind(runtime: JobRuntime, run_id: uuid.UUID | str) -> None:
    """Fail a run because this worker can't catch up with the generation that it needs."""
    run = find_run(run_id)
    if run is not None:
        reason = (
            f"The worker follows generation {runtime.generation} of the plugins and the run needs {run.generation}. "
            "Look into the worker's log for why it can't follow, or restart it."
        )
        fail_run(run.pk, PluginJobError.code, reason)


def _finish(runtime: JobRuntime, run: PluginJobRun) -> None:
    """Call the plugin and write down how it went, as the system that acts for the plugin."""
    facts = {"plugin": run.plugin.plugin_id, "job": run.job, "jobRun": str(run.pk)}
    if run.requested_by is not None:
        facts["requestedBy"] = str(run.requested_by.pk)
    with acting(Actor.system("jobs"), EventSource.SYSTEM, correlation_id=str(run.pk), metadata=facts):
        try:
            result = _answer(runtime, run)
        except GridKitError as error:
            fail_run(run.pk, error.code, error.detail)
        except SoftTimeLimitExceeded:
            fail_run(run.pk, PluginJobError.code, _too_long(run.job))
        except SystemExit:
            # The pool ends this process: it goes on to end, but nobody shall wait for the run.
            fail_run(run.pk, LOST, "Its worker process was told to end, because the site stopped it or for its time.")
            raise
        else:
            finish_run(run.pk, result)


def _answer(runtime: JobRuntime, run: PluginJobRun) -> JSONValue:
    """Call the job and return its result; where its object is replaced at that moment, the new one is called.

    Raises:
        JobNotFoundError: when the plugin is not at work here any more, or has no such job.
        JobArgumentsError: when the arguments do not fit the schema of the code that is at work now.
        PluginJobError: when it raised, took too long, or returned what can't be kept.
    """
    while True:
        attempt = _Attempt(runtime, run)
        try:
            return attempt.result()
        except (PluginStateError, JobNotFoundError):
            if not attempt.came_too_late:
                raise


class _Attempt:
    """One call of a job.

    Args:
        runtime: the runtime of this process.
        run: the run.
    """

    def __init__(self, runtime: JobRuntime, run: PluginJobRun) -> None:
        self._runtime = runtime
        self._run = run
        self._live = runtime.live.get(run.plugin.plugin_id)
        self._began = False

    @property
    def came_too_late(self) -> bool:
        """Whether the object that was found had been replaced before its code was reached."""
        return not self._began and self._live is not self._runtime.live.get(self._run.plugin.plugin_id)

    def result(self) -> JSONValue:
        """Call it and return what it returned, checked.

        Raises:
            PluginStateError: when the object ended before it could be called.
            PluginJobError: see ``_answer``.
            SystemExit: when the pool ends this process.
        """
        live, job, stats = _offered(self._live, self._run.plugin.plugin_id, self._run.job)
        arguments: JSONObject = checked_arguments(job, self._run.arguments)

        def begin(call: JobCall) -> JSONValue:
            self._began = True
            return job.handler(call)

        try:
            call = JobCall(job.name, arguments, str(self._run.pk), self._run.scheduled)
            result = checked_result(job.name, live.call(begin, stats, call))
        except (Exception, SystemExit) as error:
            if not self._began or (isinstance(error, SystemExit) and error.code == _TOLD_TO_END):
                raise
            logger.exception("job %s of %s failed", job.name, live.plugin_id)
            self._runtime.handler_failed(live, error)
            raise _failure(live, job.name, error) from error
        live.succeeded()
        return result


def _failure(live: LivePlugin, name: str, error: BaseException) -> PluginJobError:
    """Tell what a job raised, without the secrets of the plugin's configuration: they turn up in texts of errors."""
    if isinstance(error, SoftTimeLimitExceeded):
        return PluginJobError(_too_long(name))
    what = error.detail if isinstance(error, GridKitError) else describe(error)
    return PluginJobError(f"The job {name!r} failed: {without_secrets(what, secrets_of(live.spec))}")


def _too_long(name: str) -> str:
    return f"The job {name!r} took longer than {settings().JOB_SECONDS_MAX} s (JOB_SECONDS_MAX) and was stopped."


def _offered(live: LivePlugin | None, plugin_id: str, name: str) -> tuple[LivePlugin, RegisteredJob, CallStats]:
    """Return what is needed to call a job.

    Raises:
        JobNotFoundError: when there is no such job.
    """
    jobs = {} if live is None else live.jobs
    if live is None or not live.grants.allows(Permission.SCHEDULE_USE):
        raise JobNotFoundError(
            f"{plugin_id} is not at work in this process or was not granted {Permission.SCHEDULE_USE.value!r}, so it "
            "has no jobs. See the plugin's page for its state."
        )
    if name not in jobs:
        known = ", ".join(sorted(jobs)) or "none"
        raise JobNotFoundError(f"{plugin_id} has no job {name!r}. Its jobs are: {known}.")
    job, stats = jobs[name]
    return live, job, stats


def _check_callable_without_arguments(job: RegisteredJob) -> None:
    try:
        checked_arguments(job, {})
    except JobArgumentsError as error:
        raise PluginError(
            f"The job {job.name!r} has a schedule, which starts it without arguments, but its schema wants some: "
            f"{error.detail}"
        ) from error
