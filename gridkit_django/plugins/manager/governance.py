"""Configurations and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridkit_django.plugins import configuration, grants
from gridkit_django.plugins.change import get_row
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
