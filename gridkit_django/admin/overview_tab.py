"""The first page of a plugin: how it is and why, who runs it, and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from gridkit_django.conf import settings
from gridkit_django.models import AuditRecord, InstalledPlugin, PluginOperation, RuntimeGeneration, RuntimeProcess
from gridkit_django.plugins import plugin_manager

_RECENT = 10
_HEALTH_SHOWN = 60
_SILENT_BEATS = 4


def overview(request: HttpRequest, plugin: InstalledPlugin) -> Mapping[str, Any]:
    """Return the facts of the overview."""
    results = list(plugin.health_results.all()[:_HEALTH_SHOWN])
    return {
        "usage": plugin_manager().usage_of(plugin.plugin_id),
        "leaving": plugin_manager().preview_uninstall(plugin.plugin_id),
        "health_strip": list(reversed(results)),
        "health_results": results[:_RECENT],
        "operations": PluginOperation.objects.filter(plugin_id=plugin.plugin_id)[:_RECENT],
        "records": AuditRecord.objects.filter(target_type="plugin", target_id=plugin.plugin_id)[:_RECENT],
        "processes": _processes(plugin),
        "generation": RuntimeGeneration.objects.values_list("value", flat=True).first() or 0,
    }


def _processes(plugin: InstalledPlugin) -> list[dict[str, Any]]:
    """Return each process that is alive with the revision of the plugin that it runs, or None."""
    alive = timezone.now() - timedelta(seconds=_SILENT_BEATS * settings().HEARTBEAT_SECONDS)
    return [
        {
            "process": process,
            "revision": process.plugins.get(plugin.plugin_id),
            "silent": process.seen_at < alive,
        }
        for process in RuntimeProcess.objects.order_by("-seen_at")[: 2 * _RECENT]
    ]
