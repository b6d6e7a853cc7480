"""The official plugins, installed through the same manager that the admin uses."""

from __future__ import annotations

from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.plugins import plugin_manager

OFFICIAL = ("@gridkit/plugin-audit-log", "@gridkit/plugin-export", "@gridkit/plugin-analytics")


def ensure_official_plugins() -> list[str]:
    """Install and activate the official plugins that are not installed; all they ask for is granted.

    A plugin that is installed stays as the administrator left it, also when that is inactive.

    Returns:
        The ids of the plugins that were installed just now.
    """
    manager = plugin_manager()
    installed = {info.id for info in manager.list_plugins()}
    missing = [plugin_id for plugin_id in OFFICIAL if plugin_id not in installed]
    with acting(Actor.system("demo"), EventSource.SYSTEM):
        for plugin_id in missing:
            manager.install_plugin(plugin_id)
    return missing
