"""Installing, switching, updating and reloading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gridkit_django.plugins import activation
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.install import ALL, InstallRequest, install, uninstall
from gridkit_django.plugins.inventory import PluginInfo
from gridkit_django.plugins.manager.base import ManagerPart
from gridkit_django.typing import User


class Lifecycle(ManagerPart):
    """The life of plugins on this site."""

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

    def enable_hot_reload(self, plugin_id: str) -> None:
        """Watch a plugin's folder in this process and load it anew when its content changes."""
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
