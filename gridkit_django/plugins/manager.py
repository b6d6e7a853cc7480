"""The one door to everything that can be done with plugins: a facade over the services of this room.

Rights of people are judged by the faces that call it: ``install_plugin``, ``activate_plugin``, ``configure_plugin`` and
``grant_plugin`` of the app ``gridkit_django``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django.apps import apps

from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import activation, configuration, grants, inventory
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.catalog import AvailablePlugin
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.health import PluginHealth
from gridkit_django.plugins.healthcheck import HealthChecker
from gridkit_django.plugins.install import ALL, InstallRequest, install, uninstall
from gridkit_django.plugins.inventory import PluginFilter, PluginInfo, PluginUsage
from gridkit_django.plugins.local import usage_of
from gridkit_django.plugins.reload import HotReloader
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.spec import load_spec
from gridkit_django.plugins.storage import DatabaseStorage
from gridkit_django.typing import User


class PluginManager:
    """Installs, switches, configures, watches and lists plugins. Every change is stored, recorded, told and followed.

    Each change raises ``PluginNotFoundError`` when the plugin is not installed, and tells a failure to start as the
    error it is; then the change itself is stored, and the plugin's state says why it is not at work.

    Args:
        runtime: the runtime of this process.
    """

    def __init__(self, runtime: PluginRuntime) -> None:
        self.runtime = runtime
        self._health = HealthChecker(runtime)
        self._hot_reload = HotReloader(runtime)
        runtime.on_put = self._hot_reload.noticed

    def install_plugin(
        self,
        source: str | Plugin | type[Plugin],
        *,
        config: Mapping[str, Any] | None = None,
        grants: str | Iterable[str] = ALL,
        user: User | None = None,
        activate: bool = True,
    ) -> PluginInfo:
        """Install a plugin from ``kind:name``, from a plugin id that one source has, or given in code.

        Args:
            source: what ``discover`` lists, or a plugin object or class that carries its metadata.
            config: the configuration for all grids; None for the defaults.
            grants: ``"all"`` that the manifest asks for, or the permissions to grant.
            user: who does it.
            activate: whether to start it at once.

        Raises:
            PluginError: see ``install.install``; nothing is stored when it is refused at the door.
        """
        request = InstallRequest(source, config, grants, activate)
        return self.get_plugin(install(self.runtime, request, user))

    def uninstall_plugin(self, plugin_id: str, *, user: User | None = None) -> None:
        """Remove a plugin with all that is stored for it; audit records stay. See ``install.uninstall``."""
        uninstall(self.runtime, plugin_id, user)

    def activate_plugin(self, plugin_id: str, *, user: User | None = None) -> PluginInfo:
        """Switch a plugin on, or try it again when it is suspended or in quarantine. See ``activation.activate``."""
        activation.activate(self.runtime, plugin_id, user)
        return self.get_plugin(plugin_id)

    def deactivate_plugin(self, plugin_id: str, *, user: User | None = None) -> PluginInfo:
        """Switch a plugin off in every process. See ``activation.deactivate``."""
        activation.deactivate(self.runtime, plugin_id, user)
        return self.get_plugin(plugin_id)

    def reload_plugin(self, plugin_id: str, *, user: User | None = None) -> PluginInfo:
        """Load manifest and code anew in every process. See ``activation.reload``."""
        activation.reload(self.runtime, plugin_id, user)
        return self.get_plugin(plugin_id)

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

    def get_plugin(self, plugin_id: str) -> PluginInfo:
        """Return an installed plugin.

        Raises:
            PluginNotFoundError: when it is not installed.
        """
        row = get_row(plugin_id)
        return inventory.describe(row, load_spec(row))

    def list_plugins(self, only: PluginFilter | None = None) -> tuple[PluginInfo, ...]:
        """Return the installed plugins that the filter admits, by id."""
        return inventory.list_installed(only or PluginFilter())

    def get_plugins_by_category(self, category: str) -> tuple[PluginInfo, ...]:
        """Return the installed plugins of a category, by id."""
        return self.list_plugins(PluginFilter(category=category))

    def discover(self) -> tuple[AvailablePlugin, ...]:
        """Return every source in reach, with the reason where one can't be installed. Runs no code of theirs."""
        installed = InstalledPlugin.objects.values_list("plugin_id", flat=True)
        return self.runtime.catalog.discover(frozenset(installed))

    def usage_of(self, plugin_id: str) -> PluginUsage:
        """Return what a plugin does and uses in this process."""
        self.runtime.ensure_current()
        live = self.runtime.live.get(plugin_id)
        if live is None:
            return PluginUsage(running=False)
        stored = DatabaseStorage(plugin_id, 0).used_bytes()
        figures = tuple(stats.figures() for stats in live.all_stats())
        return PluginUsage(running=True, revision=live.spec.revision, usage=usage_of(live, stored), calls=figures)

    def check_plugin_health(self, plugin_id: str) -> PluginHealth:
        """Check a plugin in this process and store the result. See ``HealthChecker.check``."""
        return self._health.check(plugin_id)

    def check_all_health(self) -> dict[str, PluginHealth]:
        """Check every plugin that is wanted active, by id."""
        return self._health.check_all()

    def enable_hot_reload(self, plugin_id: str) -> None:
        """Watch a plugin's folder in this process and load it anew when its content changes. See ``HotReloader``."""
        self._hot_reload.enable(plugin_id)

    def disable_hot_reload(self, plugin_id: str) -> None:
        """Stop watching a plugin's folder."""
        self._hot_reload.disable(plugin_id)

    def register_plugin(self, plugin: Plugin | type[Plugin]) -> None:
        """Make a plugin that is given in code known to this process; each process does so for itself, at its start.

        It can then be installed; where it is installed and wanted active already, it starts at the next use. Touches
        no database.

        Raises:
            ManifestError: when it carries no metadata.
        """
        source = self.runtime.catalog.add_object(plugin)
        self.runtime.retry(source.manifest().id)

    def unregister_plugin(self, plugin_id: str) -> None:
        """Forget a plugin that was given in code, and stop it in this process. What is stored about it stays."""
        if self.runtime.catalog.remove_object(plugin_id):
            self.runtime.drop(plugin_id)

    def ensure_current(self) -> None:
        """Follow the database if it was not looked at since the request or task began."""
        self.runtime.ensure_current()

    def follow(self) -> None:
        """Bring this process to what the database says now. Changes do this by themselves after their commit."""
        self.runtime.follow()

    def stop_all(self) -> None:
        """Stop all plugins and watchers in this process; the next use starts afresh."""
        self._hot_reload.disable_all()
        self.runtime.stop_all()

    def after_fork(self) -> None:
        """Begin again in a forked child process."""
        self._hot_reload.forget()
        self.runtime.after_fork()


def plugin_manager() -> PluginManager:
    """Return this process's plugin manager, which the app config owns."""
    return cast("PluginManager", apps.get_app_config("gridkit_django").plugin_manager)  # type: ignore[attr-defined]
