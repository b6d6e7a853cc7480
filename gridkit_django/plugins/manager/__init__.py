"""The one door to everything that can be done with plugins: a facade over the services of this room.

Rights of people are judged by the faces that call it: ``install_plugin``, ``activate_plugin``, ``configure_plugin`` and
``grant_plugin`` of the app ``gridkit_django``.
"""

from __future__ import annotations

from typing import cast

from django.apps import apps

from gridkit_django.plugins.manager.governance import Governance
from gridkit_django.plugins.manager.insight import Insight
from gridkit_django.plugins.manager.lifecycle import Lifecycle
from gridkit_django.plugins.manager.post import Post
from gridkit_django.plugins.manager.work import Work
from gridkit_django.plugins.observers import CallObserver
from gridkit_django.plugins.site_figures import SiteFigures, site_figures

__all__ = ["PluginManager", "plugin_manager"]


class PluginManager(Lifecycle, Governance, Insight, Work, Post):
    """Installs, switches, configures, watches and lists plugins. Every change is stored, recorded, told and followed.

    Each change raises ``PluginNotFoundError`` when the plugin is not installed, and tells a failure to start as the
    error it is; then the change itself is stored, and the plugin's state says why it is not at work.

    Args:
        runtime: the runtime of this process.
    """

    def ensure_current(self) -> None:
        """Follow the database if it was not looked at since the request or task began."""
        self.runtime.ensure_current()

    def follow(self) -> None:
        """Bring this process to what the database says now. Changes do this by themselves after their commit."""
        self.runtime.follow()

    def observe(self, observer: CallObserver) -> None:
        """Tell an observer of each call into a plugin from now on, in this process."""
        self.runtime.observers = (*self.runtime.observers, observer)
        for live in self.runtime.live.values():
            live.observers = self.runtime.observers
        self.runtime.rebuild_table()

    def site_figures(self) -> SiteFigures:
        """Return the figures of all plugins over the whole site, for monitoring. See ``site_figures.site_figures``."""
        return site_figures(self.runtime.generations.current())

    def stop_all(self) -> None:
        """Stop all plugins, watchers and the idle thread in this process; the next use starts afresh."""
        self._hot_reload.disable_all()
        self.runtime.stop_all()

    def after_fork(self) -> None:
        """Begin again in a forked child process."""
        self._hot_reload.forget()
        self._usage.after_fork()
        self.runtime.after_fork()


def plugin_manager() -> PluginManager:
    """Return this process's plugin manager, which the app config owns."""
    return cast("PluginManager", apps.get_app_config("gridkit_django").plugin_manager)  # type: ignore[attr-defined]
