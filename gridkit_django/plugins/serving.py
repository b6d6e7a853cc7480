"""Which plugins serve which grid: ``Meta.plugins`` decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.exceptions import GridNotFoundError
from gridkit_django.grids.registry import grid_registry


def serves(plugin_id: str, grid: str | None) -> bool:
    """Whether an active plugin serves a grid. Events of no grid, and of grids not declared here, reach every plugin."""
    entry = _entry(plugin_id, grid)
    return entry is not False


def overlay(plugin_id: str, grid: str) -> Mapping[str, Any]:
    """Return the configuration values that the grid's declaration lays over the plugin's own."""
    entry = _entry(plugin_id, grid)
    return entry if isinstance(entry, Mapping) else {}


def _entry(plugin_id: str, grid: str | None) -> Mapping[str, Any] | bool:
    """Return what the grid says about the plugin: False to exclude it, else the overlay."""
    declared = _declared(grid)
    if declared is None:
        return {}
    if plugin_id in declared:
        return declared[plugin_id]
    return {} if declared.get("*", False) is not False else False


def _declared(grid: str | None) -> Mapping[str, Mapping[str, Any] | bool] | None:
    if grid is None:
        return None
    try:
        return grid_registry().get(grid).options.plugins
    except GridNotFoundError:
        return None
