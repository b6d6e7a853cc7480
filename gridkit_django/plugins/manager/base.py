"""What the parts of the manager share."""

from __future__ import annotations

from collections.abc import Mapping

from gridkit_django.exceptions import PackageRefusedError
from gridkit_django.plugins import inventory
from gridkit_django.plugins.canaries import CanaryWatch
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.enforcement import Enforcer
from gridkit_django.plugins.healthcheck import HealthChecker
from gridkit_django.plugins.history import History
from gridkit_django.plugins.inventory import PluginInfo
from gridkit_django.plugins.leftovers import LeftoverWatch
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.outbox_chores import OutboxChores
from gridkit_django.plugins.preparing import HostPreparation
from gridkit_django.plugins.reload import HotReloadManager
from gridkit_django.plugins.remote import RemotePlugins
from gridkit_django.plugins.reports import NoteReport
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.spec import load_spec
from gridkit_django.plugins.update_watch import UpdateWatch
from gridkit_django.plugins.usage import UsageRecorder
from gridkit_django.plugins.wishes import WishWatch


class ManagerPart:
    """One part of the manager.

    Args:
        runtime: the runtime of this process.

    Attributes:
        remote: the plugins of marketplaces, see ``use_remote``.
    """

    def __init__(self, runtime: PluginRuntime) -> None:
        self.runtime = runtime
        self.remote: RemotePlugins | None = None
        self._health = HealthChecker(runtime)
        self._hot_reload = HotReloadManager(runtime)
        self._updates = UpdateWatch(runtime)
        self._leftovers = LeftoverWatch()
        self._history = History()
        self._usage = UsageRecorder(runtime)
        runtime.on_put = self._noticed
        self._canaries = CanaryWatch(runtime)
        runtime.process.figures = self._canaries.figures
        runtime.catalog.unloaded = self._leftovers.unloaded
        runtime.catalog.unpacked.refused = self._refused_files
        chores = (self._updates.work, Enforcer(runtime).enforce, self._usage.record, self._look_for_leftovers)
        runtime.chores = (*runtime.chores, *chores, OutboxChores(runtime).work)

    def use_remote(self, remote: RemotePlugins) -> None:
        """Know marketplaces from now on, and prepare or try what operations of theirs are about to switch to."""
        self.remote = remote
        preparation = HostPreparation(self.runtime, remote.check_host)
        wishes = WishWatch(self.runtime, preparation, self._canaries)
        self.runtime.chores = (*self.runtime.chores, wishes.work)

    def look_for_leftovers(self) -> Mapping[str, tuple[str, ...]]:
        """Look at once for what plugins that ended left behind in this process; return all that is told, by plugin."""
        self._tell_leftovers(self._leftovers.look())
        return self.runtime.leftovers

    def _look_for_leftovers(self) -> None:
        self._tell_leftovers(self._leftovers.work())

    def _tell_leftovers(self, found: Mapping[str, tuple[str, ...]]) -> None:
        for plugin_id, texts in found.items():
            reason, facts = f"It left behind: {'; '.join(texts)}.", self.runtime.process.describe()
            self.runtime.reporter.report(NoteReport(plugin_id, "plugin.clean-up", reason, facts))
        self.runtime.leftovers = self._leftovers.told

    def _refused_files(self, plugin_id: str, refusal: PackageRefusedError) -> None:
        reason = f"Its files on this host were not run, and are made anew: {refusal.detail}"
        facts = {**self.runtime.process.describe(), "code": refusal.code, "file": refusal.entry}
        self.runtime.reporter.report(NoteReport(plugin_id, "plugin.refuse-files", reason, facts))

    def get_plugin(self, plugin_id: str) -> PluginInfo:
        """Return an installed plugin.

        Raises:
            PluginNotFoundError: when it is not installed.
        """
        row = get_row(plugin_id)
        return inventory.describe(row, load_spec(row))

    def _noticed(self, plugin_id: str, live: LivePlugin | None) -> None:
        """A plugin comes to work or ends in this process."""
        self._updates.noticed(plugin_id, live)
        self._leftovers.noticed(plugin_id, live)
        self._usage.noticed(plugin_id, live)
        self._hot_reload.noticed(plugin_id, live)
