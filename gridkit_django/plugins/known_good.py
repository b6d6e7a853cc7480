"""The last known good state of a plugin: read, and run instead of a version that does not load."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import Error
from django.db.models import QuerySet

from gridkit_django.models import (
    GrantDecision,
    KnownGood,
    PluginConfig,
    PluginSource,
    PluginVersion,
)
from gridkit_django.plugins.permissions import GrantTable
from gridkit_django.plugins.revisions import ConfigLayer, layer_of
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.spec import PluginSpec

logger = logging.getLogger("gridkit_django.plugins")


@dataclass(frozen=True, slots=True)
class GoodState:
    """How a plugin stood when all was well.

    Attributes:
        version: the version that was in use.
        revision: the plugin's revision then.
        layers: the configurations that were in force, by grid.
        grants: what was decided, by permission.
        noted_at: when it was noted.
    """

    version: PluginVersion
    revision: int
    layers: Mapping[str, ConfigLayer]
    grants: Mapping[str, str]
    noted_at: datetime

    def spec_of(self, spec: PluginSpec) -> PluginSpec:
        """Return how a plugin runs in this state. What was revoked since stays revoked, and nothing is granted anew."""
        granted = frozenset(name for name, decision in self.grants.items() if decision == GrantDecision.GRANTED)
        grants = GrantTable(granted & spec.grants.granted, spec.grants.revoked)
        version, digest = self.version.version, self.version.digest
        found = replace(spec, grants=grants, version=version, digest=digest, revision=self.revision)
        return found.with_layers(self.layers)


def find_known_good(plugin_id: str) -> GoodState | None:
    """Return the last known good state of a plugin; None when none was noted."""
    row = _rows().filter(plugin__plugin_id=plugin_id).first()
    return None if row is None else _state(row)


def known_good_spec(spec: PluginSpec) -> PluginSpec | None:
    """Return how a plugin of a marketplace can run instead, where its version does not load; None when it can't."""
    if spec.source is not PluginSource.MARKETPLACE:
        return None
    try:
        found = find_known_good(spec.plugin_id)
    except Error:  # the site works without this plugin; logged, and it is tried again at the next follow
        logger.warning("The last known good state of %s can't be read", spec.plugin_id, exc_info=True)
        return None
    return None if found is None or found.version.digest == spec.digest else found.spec_of(spec)


def _rows() -> QuerySet[KnownGood]:
    return KnownGood.objects.using(database()).select_related("version", "plugin")


def _state(row: KnownGood) -> GoodState:
    configs = PluginConfig.objects.using(database()).filter(plugin=row.plugin, revision__in=row.configs.values())
    layers = {item.grid: layer_of(item) for item in configs if row.configs.get(item.grid) == item.revision}
    return GoodState(row.version, row.revision, layers, row.grants, row.noted_at)
