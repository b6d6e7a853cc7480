"""Starting a plugin in a test, from a folder, an entry point or a class, and acting on it while it is at work."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.test import override_settings

from gridkit_django.grids import call_method, open_grid
from gridkit_django.plugins import (
    MethodResult,
    Plugin,
    PluginContext,
    PluginHealth,
    PluginInfo,
    PluginManager,
    PluginUsage,
)
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.typing import JSONObject, JSONValue, User

Source: TypeAlias = str | Path | Plugin | type[Plugin]
"""A folder, ``kind:name`` or a plugin id as ``install_plugin`` takes it, or a plugin given as class or object."""

USER = "gridkit-tester"


@dataclass(frozen=True, slots=True)
class StartedPlugin:
    """A plugin at work in this process.

    Attributes:
        id: its id.
        grid: id of the grid that it is tried on.
        manager: this process's plugin manager, for everything that has no shorter way here.
    """

    id: str
    grid: str
    manager: PluginManager

    @property
    def live(self) -> LivePlugin:
        """What the runtime holds of it: the object, its subscriptions, methods and grants.

        Raises:
            LookupError: when it is not at work (any more).
        """
        self.manager.ensure_current()
        found = self.manager.runtime.live.get(self.id)
        if found is None:
            raise LookupError(f"{self.id} is not at work: {self.info.state_reason or self.info.effective_state}.")
        return found

    @property
    def object(self) -> Plugin:
        """The plugin object; another one after a reload or a new configuration."""
        return self.live.plugin

    @property
    def context(self) -> PluginContext:
        """The plugin's own context, to do in a test what the plugin may do."""
        return self.object.context

    @property
    def info(self) -> PluginInfo:
        """State, reason, permissions and configuration as the admin shows them."""
        return self.manager.get_plugin(self.id)

    def call(
        self,
        method: str,
        arguments: Mapping[str, JSONValue] | None = None,
        *,
        query: JSONObject | None = None,
        user: User | None = None,
    ) -> Any:
        """Call a method of the plugin as the API does: rights, schema and answer are judged.

        Args:
            method: its name.
            arguments: what is passed; None for nothing.
            query: what the caller looks at.
            user: who calls; None for a superuser that is made for it.

        Returns:
            What the method returned; of a ``MethodResult`` its body.

        Raises:
            MethodNotFoundError: when the plugin offers no such method to this user.
            MethodArgumentsError: when the arguments break the method's schema.
            PluginMethodError: when the method raised.
        """
        body = self.answer(method, arguments, query=query, user=user).body
        return body["result"] if set(body) == {"result"} else body

    def answer(
        self,
        method: str,
        arguments: Mapping[str, JSONValue] | None = None,
        *,
        query: JSONObject | None = None,
        user: User | None = None,
    ) -> MethodResult:
        """Call a method like ``call`` and return the whole answer, with its status."""
        access = open_grid(self.grid, tester() if user is None else user)
        return call_method(access, method, dict(arguments or {}), query)

    def health(self) -> PluginHealth:
        """Check its health: its own word within the deadline, joined with what the runtime saw."""
        return self.manager.check_plugin_health(self.id)

    def usage(self) -> PluginUsage:
        """What it did and uses in this process, by handler and method."""
        return self.manager.usage_of(self.id)

    def configure(self, values: Mapping[str, Any], *, grid: str = "") -> PluginInfo:
        """Put a new configuration in force; a new object serves afterwards."""
        return self.manager.configure_plugin(self.id, values, grid=grid)

    def grant(self, permission: str) -> PluginInfo:
        """Grant a permission or wildcard."""
        return self.manager.grant_permission(self.id, permission)

    def revoke(self, permission: str) -> PluginInfo:
        """Take a permission or wildcard away."""
        return self.manager.revoke_permission(self.id, permission)

    def reload(self) -> PluginInfo:
        """Load manifest and code anew."""
        return self.manager.reload_plugin(self.id)

    def stop(self) -> PluginInfo:
        """Switch it off; ``start`` switches it on again."""
        return self.manager.deactivate_plugin(self.id)

    def start(self) -> PluginInfo:
        """Switch it on again."""
        return self.manager.activate_plugin(self.id)

    def uninstall(self) -> None:
        """Remove it with all that is stored for it."""
        self.manager.uninstall_plugin(self.id)


class PluginStarter:
    """Installs plugins on a site that has no other: an empty folder of plugins, no hot reload, no safe mode.

    Args:
        manager: this process's plugin manager.
        grid: id of the grid that plugins are tried on.
        root: an empty folder, which serves as ``PLUGIN_ROOT``.
        base: what relative folders start from.
    """

    def __init__(self, manager: PluginManager, grid: str, root: Path, base: Path) -> None:
        self.manager = manager
        self.grid = grid
        self.root = root
        self.base = base
        self._given: set[str] = set()
        values = {
            **getattr(django_settings, "GRIDKIT", {}),
            "PLUGIN_ROOT": str(root),
            "HOT_RELOAD": False,
            "PLUGINS_SAFE_MODE": False,
        }
        self._settings = override_settings(GRIDKIT=values)

    def __call__(
        self, source: Source, *, config: Mapping[str, Any] | None = None, grants: str | Iterable[str] = "all"
    ) -> StartedPlugin:
        """Install and start a plugin.

        Args:
            source: a folder (relative ones start at pytest's root folder), an entry point or a plugin id, or a class.
            config: its configuration; None for the defaults.
            grants: ``"all"`` that its manifest asks for, or the permissions to grant.

        Raises:
            PluginError: when it is refused or could not start, with the reason.
        """
        self._remember(source)
        info = self.manager.install_plugin(self.place(source), config=config, grants=grants)
        return StartedPlugin(info.id, self.grid, self.manager)

    def place(self, source: Source) -> str | Plugin | type[Plugin]:
        """Make a source known to the site, and return it as ``install_plugin`` takes it.

        A folder is linked, so that its tests measure its own files; where links are not allowed it is copied.
        """
        folder = self.folder_of(source)
        if folder is None:
            return str(source) if isinstance(source, Path) else source
        place = self.root / folder.name
        if not place.exists():
            try:
                place.symlink_to(folder, target_is_directory=True)
            except OSError:  # Windows without the right to make links
                shutil.copytree(folder, place, ignore=shutil.ignore_patterns("__pycache__"))
        return f"folder:{folder.name}"

    def folder_of(self, source: Source) -> Path | None:
        """Return the folder that a source means, or None when it is no folder."""
        if not isinstance(source, str | Path):
            return None
        folder = (self.base / source).resolve()
        return folder if folder.is_dir() else None

    def begin(self) -> None:
        """Put the settings in force, and leave no plugin of before at work."""
        self._settings.enable()
        self.manager.stop_all()

    def end(self) -> None:
        """Stop every plugin, forget those given in code, and give the settings back."""
        self.manager.stop_all()
        for plugin_id in self._given:
            self.manager.unregister_plugin(plugin_id)
        self._settings.disable()

    def _remember(self, source: Source) -> None:
        if not isinstance(source, str | Path):
            self._given.add(source.metadata.id)


def tester() -> User:
    """Return the superuser who calls methods in tests, made at the first use."""
    users = get_user_model()._default_manager
    found = users.filter(is_superuser=True, **{get_user_model().USERNAME_FIELD: USER}).first()
    if found is not None:
        return found
    names: dict[str, Any] = {get_user_model().USERNAME_FIELD: USER, "password": None}
    made: User = users.create_superuser(**names)
    return made
