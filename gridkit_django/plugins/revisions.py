"""Revisions of configurations as they are stored: a row is written once and never changed but to renew its seals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, OuterRef, Subquery

from gridkit_django.models import InstalledPlugin, PluginConfig
from gridkit_django.plugins.savepoints import database

NOTE_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class ConfigLayer:
    """What is stored for one scope.

    Attributes:
        grid: id of the grid that it is for, empty for all grids.
        data: the values, secrets sealed.
        schema_version: version of the plugin's configuration schema that they follow.
        aside: values of keys that this schema does not know, kept for a schema that does; secrets sealed.
        revision: the revision that it was read from; 0 when there is none.
    """

    grid: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = 1
    aside: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0


def newest_layers(**only: Any) -> Mapping[int, Mapping[str, ConfigLayer]]:
    """Return what is in force, by primary key of the plugin and by grid.

    Args:
        only: conditions on the rows.
    """
    rows = PluginConfig.objects.using(database())
    newest = rows.filter(plugin=OuterRef("plugin"), grid=OuterRef("grid")).order_by("-revision").values("revision")[:1]
    found: dict[int, dict[str, ConfigLayer]] = defaultdict(dict)
    for row in rows.filter(**only, revision=Subquery(newest)).order_by("plugin", "grid"):
        found[row.plugin_id][row.grid] = layer_of(row)
    return found


def newest_layer(plugin_id: str, grid: str, schema_version: int, *, exactly: bool = False) -> ConfigLayer | None:
    """Return the newest revision of a scope that follows a schema version; None when there is none.

    Args:
        plugin_id: the plugin.
        grid: the scope.
        schema_version: the version.
        exactly: whether an older version will not do.
    """
    rows = PluginConfig.objects.using(database()).filter(plugin__plugin_id=plugin_id, grid=grid)
    fit = {"schema_version": schema_version} if exactly else {"schema_version__lte": schema_version}
    row = rows.filter(**fit).order_by("-revision").first()
    return None if row is None else layer_of(row)


def layer_of(row: PluginConfig) -> ConfigLayer:
    """Return what a row holds."""
    return ConfigLayer(row.grid, row.data, row.schema_version, row.aside, row.revision)


def add_revision(row: InstalledPlugin, layer: ConfigLayer, author: Any, note: str = "") -> int:
    """Store a layer as the newest revision of its scope; return its number.

    Args:
        row: the plugin.
        layer: what is to be in force.
        author: the user who wrote it, None for the system.
        note: why, in a few words.
    """
    scope = PluginConfig.objects.using(database()).filter(plugin=row, grid=layer.grid)
    newest = scope.aggregate(newest=Max("revision"))["newest"] or 0
    PluginConfig.objects.using(database()).create(
        plugin=row,
        grid=layer.grid,
        revision=newest + 1,
        schema_version=layer.schema_version,
        data=dict(layer.data),
        aside=dict(layer.aside),
        note=note[:NOTE_LENGTH_MAX],
        author=author,
    )
    return newest + 1
