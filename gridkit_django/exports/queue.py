"""How a job reaches a worker. The task queue stands above this room, so it is handed in on the app config."""

from __future__ import annotations

import uuid
from typing import Protocol, cast

from django.apps import apps


class ExportQueue(Protocol):
    """Hands a job to a worker."""

    def enqueue_export(self, job_id: uuid.UUID) -> None:
        """Let a worker run ``run_export(job_id)`` soon. The job's row is committed already."""
        ...

    def enqueue_export_notice(self, job_id: uuid.UUID, way: str) -> None:
        """Let a worker tell of a job that has ended, by ``mail`` or ``webhook``."""
        ...


def export_queue() -> ExportQueue:
    """Return the queue that the app config was given."""
    return cast("ExportQueue", apps.get_app_config("gridkit_django").job_queue)  # type: ignore[attr-defined]
