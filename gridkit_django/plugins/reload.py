"""Hot reload: a thread watches a plugin's folder; a change of its content loads the plugin anew.

The content digest decides, not the time of a file: saving a file unchanged does nothing. When several processes watch
the same folder the first one reloads and the others follow.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from django.conf import settings as django_settings
from django.db import connections

from gridkit_django.conf import settings
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import PluginConsentError, PluginError, PluginStateError
from gridkit_django.models import EffectiveState, PluginSource
from gridkit_django.plugins.activation import reload
from gridkit_django.plugins.change import get_row
from gridkit_django.plugins.folder_watch import FolderWatch, has_events
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.reports import StateReport
from gridkit_django.plugins.runtime import PluginRuntime
from gridkit_django.plugins.sources import FolderSource

logger = logging.getLogger("gridkit_django.plugins")

_STOP_SECONDS = 5.0


class HotReloadManager:
    """Holds the watchers of this process.

    Args:
        runtime: the runtime of this process.
    """

    def __init__(self, runtime: PluginRuntime) -> None:
        self._runtime = runtime
        self._watchers: dict[str, _Watcher] = {}
        self._lock = threading.Lock()

    def enable(self, plugin_id: str) -> None:
        """Watch a plugin's folder; doing so twice changes nothing.

        Raises:
            PluginNotFoundError: when the plugin is not installed.
            PluginStateError: when it does not come from a folder.
            PluginLoadError: when its folder is gone.
        """
        row = get_row(plugin_id)
        source = self._runtime.catalog.resolve(PluginSource(row.source), row.source_ref)
        if not isinstance(source, FolderSource):
            raise PluginStateError(
                f"{plugin_id} does not come from a folder of PLUGIN_ROOT, so there is nothing to watch."
            )
        self._start(plugin_id, source.folder)

    def disable(self, plugin_id: str) -> None:
        """Stop watching; without a watcher this does nothing."""
        with self._lock:
            watcher = self._watchers.pop(plugin_id, None)
        if watcher is not None:
            watcher.stop()

    def is_enabled(self, plugin_id: str) -> bool:
        """Whether the plugin's folder is watched in this process."""
        return plugin_id in self._watchers

    def disable_all(self) -> None:
        """Stop all watchers."""
        for plugin_id in list(self._watchers):
            self.disable(plugin_id)

    def forget(self) -> None:
        """Forget all watchers without stopping them: in a forked child their threads do not exist."""
        self._watchers = {}
        self._lock = threading.Lock()

    def noticed(self, plugin_id: str, live: LivePlugin | None) -> None:
        """Start or stop a watcher by itself as a plugin comes to work or ends, where the settings want hot reload."""
        if live is None:
            self.disable(plugin_id)
        elif self._is_automatic() and live.spec.source is PluginSource.FOLDER and plugin_id not in self._watchers:
            self.enable(plugin_id)

    def _is_automatic(self) -> bool:
        """Whether this process watches by itself: where ``HOT_RELOAD`` (or ``DEBUG``) says so, but not in commands."""
        wanted = settings().HOT_RELOAD
        if self._runtime.process.kind == "command":
            return False
        return (django_settings.DEBUG and has_events()) if wanted is None else wanted

    def _start(self, plugin_id: str, folder: Path) -> None:
        with self._lock:
            if plugin_id not in self._watchers:
                self._watchers[plugin_id] = _Watcher(self._runtime, plugin_id, folder)


class _Watcher:
    """One thread that watches one folder."""

    def __init__(self, runtime: PluginRuntime, plugin_id: str, folder: Path) -> None:
        self._runtime = runtime
        self._plugin_id = plugin_id
        self._folder = folder
        self._fault = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"gridkit watch {plugin_id}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it, unless it is the thread itself that asks."""
        self._stopping.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(_STOP_SECONDS)

    def _watch(self) -> None:
        unfinished = False
        for changed in FolderWatch(self._folder, self._stopping).ticks():
            if changed or unfinished:
                unfinished = not self._handled()

    def _handled(self) -> bool:
        """Handle a change; False when something that nobody foresaw stood in the way, so the next tick tries again."""
        try:
            self._changed()
        except Exception:  # the watcher outlives the fault, often a busy database; logged with its traceback
            logger.exception("Hot reload of %s failed", self._plugin_id)
            return False
        finally:
            connections.close_all()
        return True

    def _changed(self) -> None:
        """Load the plugin anew when its content is another one; a fault is shown, the old code goes on serving."""
        live = self._runtime.live.get(self._plugin_id)
        try:
            digest = FolderSource(self._folder).digest()
            with acting(Actor.system("hot-reload"), EventSource.SYSTEM):
                self._reload_or_follow(digest, live)
        except PluginConsentError as error:
            logger.info("%s was not loaded anew: %s", self._plugin_id, error.detail)
        except PluginError as error:
            logger.warning("Hot reload of %s failed: %s", self._plugin_id, error.detail)
            self._fault = error.code
            self._report(error, live)

    def _reload_or_follow(self, digest: str, live: LivePlugin | None) -> None:
        """Another process may have been quicker: then the database holds this content already."""
        row = get_row(self._plugin_id)
        version = row.current_version
        if row.pinned:
            logger.info("%s is pinned, so its folder is left alone. Unpin it to take that.", self._plugin_id)
        elif version is None or version.digest != digest:
            reload(self._runtime, self._plugin_id, None)
            self._fault = ""
        elif live is not None and live.code.digest == digest:
            self._recovered(live)
        else:
            self._runtime.follow()

    def _report(self, error: PluginError, live: LivePlugin | None) -> None:
        if live is None:
            return
        evidence = {**self._runtime.process.describe(), **error.extra, "error": error.detail}
        report = StateReport(
            self._plugin_id,
            live.spec.revision,
            EffectiveState.DEGRADED,
            error.code,
            error.detail,
            evidence,
            renews=True,  # the same fault on another line is news
        )
        self._runtime.reporter.report(report)

    def _recovered(self, live: LivePlugin) -> None:
        """The content is what serves already: the fault that was reported is over."""
        fault, self._fault = self._fault, ""
        if fault:
            revision, state = live.spec.revision, EffectiveState.ACTIVE
            self._runtime.reporter.report(StateReport(self._plugin_id, revision, state, replaces=fault))
