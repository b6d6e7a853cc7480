"""What a process finds at the sources while it follows, written down at the end of the request or task.

A process that starts may find that a folder was overwritten: with files that nobody kept yet, or with a version that
asks for more. Neither is a change that others must follow, so the generation stays as it is.
"""

from __future__ import annotations

from gridkit_django.events import EventSource, acting
from gridkit_django.exceptions import PluginError
from gridkit_django.models import InstalledPlugin, PluginSource
from gridkit_django.plugins.catalog import frozen, keep_source
from gridkit_django.plugins.consent import is_refused, undecided
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.packages import kept_among
from gridkit_django.plugins.pending import note_pending
from gridkit_django.plugins.reports import RUNTIME
from gridkit_django.plugins.runtime import PluginRuntime


class UpdateWatch:
    """Keeps the files of what runs, and notes what waits for consent.

    Args:
        runtime: the runtime of this process.
    """

    def __init__(self, runtime: PluginRuntime) -> None:
        self._runtime = runtime
        self._started: set[str] = set()

    def noticed(self, plugin_id: str, live: LivePlugin | None) -> None:
        """Remember a plugin that came to work: its files may not be kept yet."""
        if live is not None and live.spec.source is PluginSource.FOLDER:
            self._started.add(plugin_id)

    def work(self) -> None:
        """Write down what was found; a chore of the runtime. What could not be written is tried again next time."""
        for plugin_id in tuple(self._started):
            self._keep(plugin_id)
            self._started.discard(plugin_id)
        waiting = self._runtime.catalog.waiting
        for plugin_id, digest in tuple(waiting.items()):
            self._note(plugin_id, digest)
            waiting.pop(plugin_id, None)

    def _keep(self, plugin_id: str) -> None:
        live = self._runtime.live.get(plugin_id)
        if live is None or kept_among([live.code.digest]):
            return
        try:
            source = frozen(self._runtime.catalog.resolve(live.spec.source, live.spec.source_ref))
        except PluginError:
            return
        if source.digest() == live.code.digest:
            keep_source(source)

    def _note(self, plugin_id: str, digest: str) -> None:
        row = InstalledPlugin.objects.select_related("current_version").filter(plugin_id=plugin_id).first()
        if row is None or row.pinned or is_refused(row, digest):
            return
        try:
            source = frozen(self._runtime.catalog.resolve(PluginSource(row.source), row.source_ref))
            metadata = source.manifest()
        except PluginError:
            return
        missing = undecided(row, metadata.required_permissions)
        if missing and source.digest() == digest:
            with acting(RUNTIME, EventSource.SYSTEM):
                note_pending(plugin_id, source, metadata, missing)
