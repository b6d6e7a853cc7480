"""The analytics plugin: tells vendors what people do in grids, and counts it for this site."""

from __future__ import annotations

from dataclasses import asdict

from gridkit_django.events import GridEvent
from gridkit_django.grids import grid_registry
from gridkit_django.plugins import Plugin, PluginContext, PluginHealth
from gridkit_plugins.analytics.admission import is_sampled, may_follow
from gridkit_plugins.analytics.config import AnalyticsConfig
from gridkit_plugins.analytics.counting import count_of
from gridkit_plugins.analytics.naming import NAMES, tracked_types
from gridkit_plugins.analytics.providers import make_provider
from gridkit_plugins.analytics.report import UsageReport
from gridkit_plugins.analytics.store import CountStore
from gridkit_plugins.analytics.tracking import tracked

_COUNTS = "counts"


class AnalyticsPlugin(Plugin):
    """Writes messages into the outbox, in the transaction of what they tell of; a worker sends and counts them.

    The process that serves the grid asks no vendor anything. What is rolled back is not told.
    """

    class Config(AnalyticsConfig):
        """The configuration, for the site and for single grids."""

    def initialize(self, context: PluginContext) -> None:
        """Open a channel for each provider that some grid names and one for the counts; listen; show the report."""
        store = CountStore(context)
        context.outbox.open_local_channel(_COUNTS, deliver=store.deliver, batch_max=5000)
        for name in sorted({name for config in self._configs() for name in config.provider}):
            provider = make_provider(name, context.config)
            context.outbox.open_channel(name, prepare=provider.prepare, judge=provider.judge, **asdict(provider.limits))
        context.register_report("usage", UsageReport(store).parts, label="Use of grids")
        for event_type in sorted(frozenset(NAMES).union(*map(tracked_types, self._configs()))):
            context.on(event_type, self.track)

    def track(self, event: GridEvent) -> None:
        """Put an event into the channels of its grid: for the counts without a name, for providers with consent.

        A bulk change is one thing that a person does, whatever the number of its rows.
        """
        if event.bulk is not None and not event.bulk.is_first:
            return
        config: AnalyticsConfig = self.context.config_for(event.grid)
        is_known = may_follow(event, config)
        batches = {}
        if config.own_store and event.grid and event.type in NAMES:
            batches[_COUNTS] = {event.id: count_of(event, config, known=is_known)}
        told = tracked(event, config) if config.provider and is_known and is_sampled(event, config) else None
        if told is not None:
            batches.update({name: {told.id: told.payload()} for name in config.provider})
        self.context.outbox.put_all(batches)

    def health_check(self) -> PluginHealth:
        """Warn of columns that no grid has, and of hosts that may not be talked to: their messages wait."""
        config: AnalyticsConfig = self.context.config
        columns = {column for grid in grid_registry().all() for column in grid.columns()}
        if unknown := sorted(set(config.allowed_columns) - columns):
            return PluginHealth.degraded(f"No grid has the columns {', '.join(unknown)}. Check their spelling.")
        hosts = [make_provider(name, config).host for name in config.provider]
        if refused := [host for host in hosts if not self.context.has_permission(f"network:{host}")]:
            return PluginHealth.degraded(f"Events wait: grant {', '.join(f'network:{host}' for host in refused)}.")
        return PluginHealth.healthy()

    def _configs(self) -> list[AnalyticsConfig]:
        grids = [None, *(grid.options.id for grid in grid_registry().all())]
        return [self.context.config_for(grid) for grid in grids]
