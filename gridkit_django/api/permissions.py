"""Rights of users on plugins and on the audit trail: Django permissions, for all or for one plugin."""

from __future__ import annotations

from collections.abc import Iterable

from gridkit_django.exceptions import AccessDeniedError, PluginNotFoundError
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import InstalledPlugin
from gridkit_django.typing import User

VIEW_PLUGIN = "gridkit_django.view_installedplugin"
INSTALL = "gridkit_django.install_plugin"
ACTIVATE = "gridkit_django.activate_plugin"
CONFIGURE = "gridkit_django.configure_plugin"
GRANT = "gridkit_django.grant_plugin"
VIEW_AUDIT = "gridkit_django.view_auditrecord"

_ANY_OF_PLUGIN = (VIEW_PLUGIN, INSTALL, ACTIVATE, CONFIGURE, GRANT)


def require(user: User, right: str, plugin: InstalledPlugin | None = None) -> None:
    """Refuse a user who holds ``right`` neither for everything nor for this plugin.

    Raises:
        AccessDeniedError: when the right is missing.
    """
    if not (has_permission(user, right) or (plugin is not None and has_permission(user, right, plugin))):
        raise AccessDeniedError(f"You need the right {right} for this. Ask an administrator for it.")


def visible_plugin(user: User, plugin_id: str) -> InstalledPlugin:
    """Return an installed plugin that the user has any right on.

    Raises:
        PluginNotFoundError: when there is none, or the user may not see it: the answers are the same.
    """
    plugin = InstalledPlugin.objects.select_related("current_version").filter(plugin_id=plugin_id).first()
    if plugin is None or not may_see(user, plugin):
        raise PluginNotFoundError(f"There is no installed plugin {plugin_id[:200]!a}, or you may not see it.")
    return plugin


def visible_plugins(user: User, plugins: Iterable[InstalledPlugin]) -> list[InstalledPlugin]:
    """Keep the plugins that the user has any right on."""
    return [plugin for plugin in plugins if may_see(user, plugin)]


def may_see(user: User, plugin: InstalledPlugin) -> bool:
    """Whether the user has any right on the plugin; rights on all plugins are asked first, they cost no query."""
    return any(has_permission(user, right) for right in _ANY_OF_PLUGIN) or any(
        has_permission(user, right, plugin) for right in _ANY_OF_PLUGIN
    )
