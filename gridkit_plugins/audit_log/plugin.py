"""The audit log plugin: lets the core follow the models behind grids, and records what else happens on them."""

from __future__ import annotations

from contextlib import nullcontext

from gridkit_django.events import GridEvent
from gridkit_django.grids import Grid, grid_registry
from gridkit_django.plugins import Plugin, PluginContext, PluginHealth
from gridkit_django.typing import MutableJSONObject
from gridkit_plugins.audit_log.config import DATABASE, AuditLogConfig
from gridkit_plugins.audit_log.doubts import doubts
from gridkit_plugins.audit_log.recording import without_metadata, write_record
from gridkit_plugins.audit_log.selection import followed_actions, recorded_types


class AuditLogPlugin(Plugin):
    """Says which models the audit trail follows, and how; records events that are no writes to rows itself.

    Writes are recorded by the core, whichever way they come. The handlers of the other events are critical and run in
    the transaction of the act: when the record can't be written the act is undone, and when the act is rolled back the
    record goes with it.
    """

    class Config(AuditLogConfig):
        """The configuration, for the site and for single grids."""

    def initialize(self, context: PluginContext) -> None:
        """Follow the models of all grids, listen to every event that some configuration names, and send the trail."""
        config: AuditLogConfig = context.config
        if config.destination != DATABASE:
            secret = config.destination_secret.get_secret_value()
            context.audit.send_to(config.destination, format=config.destination_format, secret=secret)
        for grid in grid_registry().all():
            self._follow(grid)
        grids = [None, *(grid.options.id for grid in grid_registry().all())]
        wanted = [self._recorded(grid) for grid in grids]
        for event_type in sorted(frozenset[str]().union(*wanted)):
            context.on(event_type, self.record, critical=True)

    def record(self, event: GridEvent) -> None:
        """Write the record of an event, if the configuration of its grid names it."""
        if event.type not in self._recorded(event.grid) or not _is_tracked(event.grid):
            return
        config: AuditLogConfig = self.context.config_for(event.grid)
        with nullcontext() if config.include_metadata else without_metadata():
            write_record(self.context, event, [*config.pii.mask, *config.pii.encrypt])

    def health_check(self) -> PluginHealth:
        """Warn of what is configured and holds nowhere: a slip of the pen there would store what should be masked."""
        grids = {grid: self.context.config_for(grid.options.id) for grid in grid_registry().all()}
        faults = doubts(self.context.config, grids)
        return PluginHealth.degraded(" ".join(faults)) if faults else PluginHealth.healthy()

    def _follow(self, grid: type[Grid]) -> None:
        config: AuditLogConfig = self.context.config_for(grid.options.id)
        options: MutableJSONObject = {
            "actions": list(followed_actions(config.events)) if grid.options.track else [],
            "mask": list(config.pii.mask),
            "mask_forms": dict(config.pii.mask_forms),
            "encrypt": list(config.pii.encrypt),
            "subject": config.pii.subject,
            "include_metadata": config.include_metadata,
            "retention": config.retention,
        }
        self.context.audit.follow(grid.options.id, options)

    def _recorded(self, grid: str | None) -> frozenset[str]:
        config: AuditLogConfig = self.context.config_for(grid)
        return recorded_types(config.events)


def _is_tracked(grid: str | None) -> bool:
    """Whether the grid lets its edits be recorded (``Meta.track``)."""
    tracked = {item.options.id: item.options.track for item in grid_registry().all()}
    return tracked.get(grid or "", True)
