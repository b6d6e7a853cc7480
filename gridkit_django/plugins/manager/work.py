"""Jobs of plugins, as administrators and the worker see them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from gridkit_django.audit import Target, record
from gridkit_django.plugins import job_list, jobs, schedules
from gridkit_django.plugins.change import acting_as, get_row
from gridkit_django.plugins.job_list import RUNS_SHOWN, JobInfo
from gridkit_django.plugins.job_runs import JobRun, describe_run, end_lost_runs, thin_runs
from gridkit_django.plugins.manager.base import ManagerPart
from gridkit_django.plugins.savepoints import database
from gridkit_django.typing import User


class Work(ManagerPart):
    """What plugins do in the background."""

    def list_jobs(self, plugin_id: str) -> tuple[JobInfo, ...]:
        """Return the jobs of a plugin with their schedules and newest runs, by name.

        Raises:
            PluginNotFoundError: when it is not installed.
        """
        row = get_row(plugin_id)
        self.runtime.ensure_current()
        return job_list.list_jobs(self.runtime, row)

    def list_job_runs(self, plugin_id: str, job: str = "", limit: int = RUNS_SHOWN) -> tuple[JobRun, ...]:
        """Return the newest runs of a plugin, or of one of its jobs, newest first.

        Raises:
            PluginNotFoundError: when it is not installed.
        """
        return job_list.list_runs(get_row(plugin_id), job, limit)

    def run_job(
        self, plugin_id: str, job: str, arguments: Mapping[str, Any] | None = None, *, user: User | None = None
    ) -> JobRun:
        """Let a worker run a job, once the transaction under way has committed; recorded as ``plugin.run_job``.

        Raises:
            PluginNotFoundError: when the plugin is not installed.
            PluginError: see ``jobs.start``.
        """
        get_row(plugin_id)
        self.runtime.ensure_current()
        with acting_as(user), transaction.atomic(using=database()):
            run = jobs.start(self.runtime, plugin_id, job, arguments or {}, user=user)
            record("plugin.run_job", target=Target.plugin(plugin_id), evidence={"job": job, "jobRun": str(run.pk)})
        return describe_run(run)

    def pause_job(self, plugin_id: str, job: str, *, user: User | None = None) -> None:
        """Stop starting a job by its schedule. It can still be started by hand. See ``schedules.pause``."""
        get_row(plugin_id)
        with acting_as(user):
            schedules.pause(plugin_id, job, paused=True)

    def resume_job(self, plugin_id: str, job: str, *, user: User | None = None) -> None:
        """Start a job by its schedule again, from now on. See ``schedules.pause``."""
        get_row(plugin_id)
        with acting_as(user):
            schedules.pause(plugin_id, job, paused=False)

    def run_due_jobs(self) -> int:
        """Start each job whose time has come. See ``schedules.run_due_jobs``."""
        return schedules.run_due_jobs(self.runtime)

    def carry_out_job(self, run_id: uuid.UUID | str) -> bool:
        """Carry out a run in this process; False when this process is behind. See ``jobs.carry_out``."""
        return jobs.carry_out(self.runtime, run_id)

    def give_up_job(self, run_id: uuid.UUID | str) -> None:
        """Fail a run because this process can't catch up. See ``jobs.give_up_behind``."""
        jobs.give_up_behind(self.runtime, run_id)

    def tidy_job_runs(self) -> None:
        """Fail runs whose worker or message is gone, and thin the history."""
        end_lost_runs()
        thin_runs()
