"""How a plugin is set up, for all grids or for one: the form, and the revisions until now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest

from gridkit_django.admin.schema_forms import SchemaForm
from gridkit_django.grids import grid_registry
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import ConfigRevision, plugin_manager

_RECENT = 20


def configuration(request: HttpRequest, plugin: InstalledPlugin) -> Mapping[str, Any]:
    """Return the facts of the page of the configuration; ``grid`` and ``show`` in the address choose what is shown.

    Raises:
        Http404: for a grid that is not there.
    """
    manager, grid = plugin_manager(), request.GET.get("grid", "")
    known = [(found.options.id, found.options.label) for found in grid_registry().all()]
    if grid not in {"", *(name for name, _ in known)}:
        raise Http404
    revisions = manager.list_config_revisions(plugin.plugin_id, grid)
    shown = _shown(revisions, request.GET.get("show", ""))
    return {
        "form": config_form(plugin, grid),
        "grid": grid,
        "grids": known,
        "own": manager.list_config_grids(plugin.plugin_id),
        "revisions": revisions[:_RECENT],
        "aside": revisions[0].aside if revisions else (),
        "shown": shown,
        "changes": manager.diff_config(plugin.plugin_id, shown, revisions[0].revision, grid) if shown else (),
    }


def _shown(revisions: tuple[ConfigRevision, ...], asked: str) -> int:
    """Return the number of the revision that is compared with the one in force; 0 for none."""
    older = {item.revision for item in revisions if not item.current}
    return int(asked) if asked.isdecimal() and int(asked) in older else 0


def config_form(plugin: InstalledPlugin, grid: str, data: Any = None) -> SchemaForm:
    """Return the configuration form: fields from the schema, values in force, locked ones disabled.

    Args:
        plugin: the plugin's row.
        grid: id of the grid that it is for, empty for all grids.
        data: a submitted form, or None for a fresh one.
    """
    schema = plugin.current_version.config_schema if plugin.current_version else {}
    values = plugin_manager().get_config(plugin.plugin_id, grid=grid)
    locked = frozenset(plugin_manager().get_plugin(plugin.plugin_id).locked)
    return SchemaForm(data, schema=schema, values=values, locked=locked)
