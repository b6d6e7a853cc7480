"""Installing, switching, updating and reloading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gridkit_django.conf import settings
from gridkit_django.models import PluginSource
from gridkit_django.plugins import activation, good_states, pins, remains, update, update_policy, updates
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.install import ALL, InstallRequest, install, uninstall
from gridkit_django.plugins.inventory import PluginInfo
from gridkit_django.plugins.manager.base import ManagerPart
from gridkit_django.plugins.remains import DataFate, UninstallPreview
from gridkit_django.plugins.remote import PREFIX
from gridkit_django.plugins.storage_keeping import StoredNow, look_at_storage, remove_copy
from gridkit_django.plugins.updates import PluginUpdate, VersionInfo
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
            source: what ``discover`` lists, a plugin object or class that carries its metadata, or
                ``marketplace:@publisher/name`` (then ``==`` and a version, for exactly that one).
            config: the configuration for all grids; None for the defaults.
            grants: ``"all"`` that the manifest asks for, or the permissions to grant.
            user: who does it.
            activate: whether to start it at once.

        Raises:
            PluginError: see ``install.install``; nothing is stored when it is refused at the door.
        """
        if isinstance(source, str) and source.startswith(PREFIX) and self.remote is not None:
            plugin_id, _, version = source.removeprefix(PREFIX).partition("==")
            self.remote.install(
                plugin_id, version=version or None, config=config, grants=grants, activate=activate, user=user
            )
            return self.get_plugin(plugin_id)
        request = InstallRequest(source, config, grants, activate)
        return self.get_plugin(install(self.runtime, request, user))

    def uninstall_plugin(
        self, plugin_id: str, *, data: DataFate | str = DataFate.PURGE, user: User | None = None
    ) -> None:
        """Remove a plugin; audit records stay. See ``install.uninstall``.

        Args:
            plugin_id: which plugin.
            data: ``keep`` keeps configuration and storage for a later installation, ``purge`` deletes them.
            user: who does it.
        """
        uninstall(self.runtime, plugin_id, user, data)

    def preview_uninstall(self, plugin_id: str) -> UninstallPreview:
        """Return what would go with a plugin. See ``remains.preview_uninstall``."""
        return remains.preview_uninstall(plugin_id)

    def export_plugin_data(self, plugin_id: str, *, user: User | None = None) -> dict[str, Any]:
        """Return a plugin's configurations and storage, without secrets. See ``remains.export_data``."""
        return remains.export_data(plugin_id, user)

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

    def update_plugin(
        self,
        plugin_id: str,
        version: str | None = None,
        *,
        grants: Iterable[str] = (),
        user: User | None = None,
    ) -> PluginInfo:
        """Put another version in the place of the one in use. See ``update.update``.

        Args:
            plugin_id: which plugin.
            version: a version number; None for what lies at the plugin's source.
            grants: permissions and wildcards to grant with it, for what the version asks for beyond the one in use.
            user: who does it.

        Raises:
            PluginConsentError: when it asks for permissions that nobody decided about, listed in
                ``extra["permissions"]``; it waits then, and the old version runs on.
            PluginPinnedError: when it is pinned.
            PluginVersionError: when there is no such version, or its files are not kept.
            PluginError: when it does not fit or can't start; then the old version runs on.
        """
        row = get_row(plugin_id)
        pins.check_not_pinned(row)
        remote = self.remote if row.source == PluginSource.MARKETPLACE else None
        if version is not None and self.is_at_hand(plugin_id, version):
            if remote is not None:
                remote.check_kept(plugin_id, version)
            update.update(self.runtime, plugin_id, version, grants, user)
        elif remote is not None:
            remote.update(plugin_id, version, grants=grants, user=user)
        else:
            update.update(self.runtime, plugin_id, version, grants, user)
        return self.get_plugin(plugin_id)

    def is_at_hand(self, plugin_id: str, version: str) -> bool:
        """Whether an update to a version can be made at once, without an operation of steps.

        A version of a marketplace that never served here can't, where the site lets one process try updates first.

        Args:
            plugin_id: which plugin.
            version: a version number.

        Raises:
            PluginNotFoundError: when the plugin is not installed.
        """
        row = get_row(plugin_id)
        known = row.versions.filter(version=version)
        if row.source == PluginSource.MARKETPLACE and settings().CANARY_SECONDS:
            known = known.filter(installed_at__isnull=False)
        return known.exists()

    def pin_plugin(self, plugin_id: str, note: str, *, user: User | None = None) -> PluginInfo:
        """Hold a plugin at the version in use; the note says why. See ``pins.pin``."""
        pins.pin(self.runtime, plugin_id, note, user)
        return self.get_plugin(plugin_id)

    def unpin_plugin(self, plugin_id: str, *, user: User | None = None) -> PluginInfo:
        """Let a pinned plugin be updated again. See ``pins.unpin``."""
        pins.unpin(self.runtime, plugin_id, user)
        return self.get_plugin(plugin_id)

    def set_auto_update(self, plugin_id: str, policy: str, *, user: User | None = None) -> PluginInfo:
        """Choose which newer releases come by themselves. See ``update_policy.set_policy``."""
        update_policy.set_policy(self.runtime, plugin_id, policy, user)
        return self.get_plugin(plugin_id)

    def refuse_update(self, plugin_id: str, *, user: User | None = None) -> PluginInfo:
        """Refuse the version that waits for consent; the old one stays until the source holds other content.

        Raises:
            PluginVersionError: when no version waits.
        """
        update.refuse(plugin_id, user)
        return self.get_plugin(plugin_id)

    def roll_back_plugin(self, plugin_id: str, version: str | None = None, *, user: User | None = None) -> PluginInfo:
        """Bring an earlier version back with the configuration of its time, and pin it. See ``update.roll_back``.

        Args:
            plugin_id: which plugin.
            version: a version number; None for the one that was in use before.
            user: who does it.

        Raises:
            PluginVersionError: when there is no such version, or its files are not kept.
            PluginStateError: when the plugin comes from an installed package or was given in code.
            PluginError: when it does not fit or can't start; then the version in use stays.
        """
        update.roll_back(self.runtime, plugin_id, version, user)
        return self.get_plugin(plugin_id)

    def go_back_to_known_good(self, plugin_id: str, *, user: User | None = None) -> PluginInfo:
        """Bring version, configuration and permissions back as they stood when all was well. See ``update.go_back``."""
        update.go_back(self.runtime, plugin_id, user)
        return self.get_plugin(plugin_id)

    def note_known_good(self) -> tuple[str, ...]:
        """Note the state of each plugin that was healthy for a while. See ``good_states.note_known_good``."""
        return good_states.note_known_good()

    def check_updates(self) -> tuple[PluginUpdate, ...]:
        """Return the plugins for which there is something newer, at their source or in their marketplace, by id.

        Runs no code of theirs, and asks no marketplace: its list is a local one.
        """
        found = updates.check_updates(self.runtime.catalog)
        remote = self.remote.updates() if self.remote is not None else ()
        return tuple(sorted((*found, *remote), key=lambda item: item.plugin_id))

    def list_versions(self, plugin_id: str) -> tuple[VersionInfo, ...]:
        """Return the versions of a plugin that this site knows, the newest use first."""
        return updates.list_versions(plugin_id)

    def look_at_storage(self, plugin_id: str) -> StoredNow:
        """Return how much a plugin stores, and what is set aside of earlier versions of its storage.

        Raises:
            PluginNotFoundError: when it is not installed.
        """
        return look_at_storage(plugin_id)

    def remove_storage_copy(self, plugin_id: str, storage_version: int, *, user: User | None = None) -> None:
        """Delete what is set aside of one version of a plugin's storage: no version that follows it can come back.

        Raises:
            PluginNotFoundError: when the plugin is not installed.
            StorageCopyNotFoundError: when nothing is set aside of that version.
        """
        remove_copy(plugin_id, storage_version, user)

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
