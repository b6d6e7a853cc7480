"""The jobs of a plugin: when they run, how they went, and buttons to run, pause and resume them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from gridkit_django.models import InstalledPlugin, JobRunState
from gridkit_django.plugins import plugin_manager

_UNDER_WAY = frozenset({JobRunState.QUEUED.value, JobRunState.RUNNING.value})


def jobs(request: HttpRequest, plugin: InstalledPlugin) -> Mapping[str, Any]:
    """Return the facts of the page of jobs; ``job`` and ``state`` in the address choose runs."""
    manager = plugin_manager()
    job, state = request.GET.get("job", ""), request.GET.get("state", "")
    found = manager.list_job_runs(plugin.plugin_id, job)
    return {
        "jobs": manager.list_jobs(plugin.plugin_id),
        "runs": [run for run in found if not state or run.state == state],
        "job": job,
        "state": state,
        "states": JobRunState.choices,
        "under_way": any(run.state in _UNDER_WAY for run in found),
    }
