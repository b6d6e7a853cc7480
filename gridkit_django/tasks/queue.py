"""The task queue that the rooms below are given: it stands above them, so they know it by protocol only."""

from __future__ import annotations

import uuid

from gridkit_django.conf import settings
from gridkit_django.tasks.edits import run_bulk
from gridkit_django.tasks.export_notices import tell_of_export
from gridkit_django.tasks.exports import run_export
from gridkit_django.tasks.jobs import run_plugin_job
from gridkit_django.tasks.notices import send_notice
from gridkit_django.tasks.outbox import send_outbox
from gridkit_django.tasks.sending import send

KILL_AFTER_SECONDS = 30
"""How long a job that was told to stop may still go on before its worker process is killed."""


class CeleryQueue:
    """Hands work to Celery. Callers commit first: a worker may be quicker than a transaction."""

    def enqueue_export(self, job_id: uuid.UUID) -> None:
        """Let a worker carry out an export job."""
        send(run_export, [str(job_id)])

    def enqueue_export_notice(self, job_id: uuid.UUID, way: str) -> None:
        """Let a worker tell of an export that has ended."""
        send(tell_of_export, [str(job_id), way])

    def enqueue_bulk(self, job_id: uuid.UUID) -> None:
        """Let a worker carry out a bulk change."""
        send(run_bulk, [str(job_id)])

    def enqueue_job(self, run_id: uuid.UUID, delay_seconds: int) -> None:
        """Let a worker carry out a run of a plugin's job, within ``JOB_SECONDS_MAX``."""
        longest = settings().JOB_SECONDS_MAX
        send(
            run_plugin_job,
            [str(run_id)],
            countdown=delay_seconds,
            soft_time_limit=longest,
            time_limit=longest + KILL_AFTER_SECONDS,
        )

    def enqueue_outbox(self, plugin_id: str, channel: str) -> None:
        """Let a worker send what waits in a channel of a plugin."""
        send(send_outbox, [plugin_id, channel])

    def enqueue_notice(self, kind: str, plugin_id: str, subject: str) -> None:
        """Let a worker send a mail."""
        send(send_notice, [kind, plugin_id, subject])
