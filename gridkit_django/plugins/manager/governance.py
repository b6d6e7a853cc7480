"""Configurations and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.plugins import config_history, configuration, grants
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.config_history import ConfigChange, ConfigRevision
from gridkit_django.plugins.inventory import PluginInfo
from gridkit_django.plugins.manager.base import ManagerPart
from gridkit_django.plugins.spec import load_spec
from gridkit_django.typing import User


class Governance(ManagerPart):
    """What plugins may do, and how they are set up."""

    def configure_plugin(
        self, plugin_id: str, data: Mapping[str, Any], *, grid: str = "", user: User | None = None
    ) -> PluginInfo:
        """Put a new configuration in force, for all grids or for one. See ``configuration.configure``."""
        configuration.configure(self.runtime, plugin_id, data, grid, user)
        return self.get_plugin(plugin_id)

    def get_config(self, plugin_id: str, *, grid: str = "") -> dict[str, Any]:
        """Return a configuration as it may be shown: secrets masked."""
        row = get_row(plugin_id)
        schema = row.current_version.config_schema if row.current_version else {}
        return configuration.shown_config(load_spec(row), schema, grid)

    def list_config_revisions(self, plugin_id: str, grid: str = "") -> tuple[ConfigRevision, ...]:
        """Return the revisions of a configuration, newest first, secrets masked.

        Args:
            plugin_id: which plugin.
            grid: id of the grid whose configuration is meant, empty for that for all grids.
        """
        return config_history.list_revisions(get_row(plugin_id), grid)

    def list_config_grids(self, plugin_id: str) -> tuple[str, ...]:
        """Return the ids of the grids that have a configuration of their own."""
        return config_history.configured_grids(get_row(plugin_id))

    def diff_config(self, plugin_id: str, older: int, newer: int, grid: str = "") -> tuple[ConfigChange, ...]:
        """Return what changed between two revisions of a configuration; of a secret only that it changed.

        Raises:
            ConfigRevisionNotFoundError: when the scope has no such revision.
        """
        return config_history.diff_revisions(get_row(plugin_id), older, newer, grid)

    def restore_config(self, plugin_id: str, revision: int, *, grid: str = "", user: User | None = None) -> PluginInfo:
        """Put an older revision of a configuration in force again. See ``configuration.restore``."""
        configuration.restore(self.runtime, plugin_id, revision, grid, user)
        return self.get_plugin(plugin_id)

    def grant_permission(self, plugin_id: str, permission: str, *, user: User | None = None) -> PluginInfo:
        """Grant a permission or wildcard. See ``grants.grant``."""
        grants.grant(self.runtime, plugin_id, permission, user)
        return self.get_plugin(plugin_id)

    def revoke_permission(self, plugin_id: str, permission: str, *, user: User | None = None) -> PluginInfo:
        """Take a permission or wildcard away; it counts for the plugin's next call. See ``grants.revoke``."""
        grants.revoke(self.runtime, plugin_id, permission, user)
        return self.get_plugin(plugin_id)

    def deny_permission(self, plugin_id: str, permission: str, *, user: User | None = None) -> PluginInfo:
        """Refuse a permission that the plugin asks for; it is not asked for again. See ``grants.deny``."""
        grants.deny(self.runtime, plugin_id, permission, user)
        return self.get_plugin(plugin_id)
