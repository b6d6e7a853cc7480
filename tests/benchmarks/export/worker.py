"""The benchmark as the worker of exports of its table."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.apps import apps

from gridkit_django.exports import BaseExporter
from gridkit_django.grids import grid_registry
from gridkit_django.grids.registration import sync_registered_grids
from tests.benchmarks.export.records import RecordGrid, bench_user

PLUGIN = "@gridkit/plugin-export"
"""Whose the formats are: another benchmark may start the plugin itself."""


class _NoQueue:
    """Nobody else is told of a job."""

    def enqueue_export(self, job_id: UUID) -> None:
        """Do nothing."""


def worker_of(*kinds: type[BaseExporter]) -> Any:
    """Let this process carry out exports of the table in these formats, and return their owner."""
    if RecordGrid not in grid_registry().all():
        grid_registry().register(RecordGrid)
        sync_registered_grids()
    config: Any = apps.get_app_config("gridkit_django")
    config.job_queue = _NoQueue()
    for kind in kinds:
        if kind.format not in config.exporters.formats():
            config.exporters.register(kind.format, kind, owner=PLUGIN)
    return bench_user()
