"""The task queue that the rooms below are given: it stands above them, so they know it by protocol only."""

from __future__ import annotations

import uuid

from gridkit_django.tasks.exports import run_export


class CeleryQueue:
    """Hands work to Celery. Callers commit first: a worker may be quicker than a transaction."""

    def enqueue_export(self, job_id: uuid.UUID) -> None:
        """Let a worker carry out an export job."""
        run_export.delay(str(job_id))
