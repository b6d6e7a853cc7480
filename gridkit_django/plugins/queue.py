"""How work of plugins reaches a worker. The task queue stands above this room, so it is handed in on the app config."""

from __future__ import annotations

import uuid
from typing import Protocol, cast

from django.apps import apps


class PluginQueue(Protocol):
    """Hands work to a worker; raises whatever the queue's client raises when it can't be reached."""

    def enqueue_job(self, run_id: uuid.UUID, delay_seconds: int) -> None:
        """Let a worker call ``jobs.carry_out(run_id)`` after a delay in seconds. The run's row is committed already."""
        ...

    def enqueue_notice(self, kind: str, plugin_id: str, subject: str) -> None:
        """Let a worker call ``notices.send_notice`` with these arguments soon."""
        ...


def plugin_queue() -> PluginQueue:
    """Return the queue that the app config was given."""
    return cast("PluginQueue", apps.get_app_config("gridkit_django").job_queue)  # type: ignore[attr-defined]
