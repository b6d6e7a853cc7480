"""Thin Celery tasks: each takes ids and calls one service. Celery's autodiscovery finds them through this package."""

from __future__ import annotations

from gridkit_django.tasks import audit, edits, export_notices, exports, jobs, notices, outbox, plugins

__all__ = ["audit", "edits", "export_notices", "exports", "jobs", "notices", "outbox", "plugins"]
