"""Which process is the canary: the youngest of several that run the version in use."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from gridkit_django.models import RuntimeProcess
from gridkit_django.plugins.processes import SERVING_KINDS, living_processes
from gridkit_django.plugins.version_figures import told_by


def chosen_process(plugin_id: str, digest: str, lost: Container[tuple[str, int, str]] = ()) -> RuntimeProcess | None:
    """Return the youngest web process of several, else the youngest Celery process of several; None for nobody.

    Args:
        plugin_id: the plugin that is to be tried.
        digest: digest of the new version's content; who runs that already is not asked.
        lost: the processes that were the canary and are gone, see ``key_of``.
    """
    found = [
        item
        for item in living_processes()
        if not item.safe_mode and key_of(item) not in lost and _runs_other(item, plugin_id, digest)
    ]
    for kind in SERVING_KINDS:
        alike = [item for item in found if item.kind == kind]
        if len(alike) > 1:
            return max(alike, key=lambda item: (item.started_at, item.host, item.pid))
    return None


def facts_of(process: RuntimeProcess) -> dict[str, Any]:
    """Return what is noted of the process that is the canary."""
    host, pid, started_at = key_of(process)
    return {"host": host, "pid": pid, "started_at": started_at, "kind": process.kind}


def key_of(process: RuntimeProcess) -> tuple[str, int, str]:
    """Return what tells a process from all others: a number can be given to another one later."""
    return process.host, process.pid, process.started_at.isoformat()


def _runs_other(process: RuntimeProcess, plugin_id: str, digest: str) -> bool:
    facts = told_by(process, plugin_id)
    return facts is not None and facts["digest"] != digest
