"""Plugins that do nothing, for measuring what the runtime around them costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from example_project.flights.models import Flight
from gridkit_django.events import GridEvent
from gridkit_django.grids import Grid, grid_registry
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, PluginMetadata, plugin_manager

TYPE = "row:select"
GRID = "plugin-benchmark"
PERMISSIONS = ("events:subscribe", "messages:send", "messages:receive", "methods:register", "storage:use")


def idle_plugin(plugin_id: str, *, handlers: int = 0) -> type[Plugin]:
    """Return a new plugin class.

    Args:
        plugin_id: its id.
        handlers: how many handlers of the moment ``after`` it has for ``TYPE``.
    """

    class Idle(Plugin):
        """Does nothing."""

        metadata = PluginMetadata.model_validate(
            {
                "id": plugin_id,
                "name": plugin_id,
                "version": "1.0.0",
                "author": "Benchmarks",
                "description": "Only for benchmarks.",
                "category": "utility",
                "license": "MIT",
                "core_version": "*",
                "required_permissions": PERMISSIONS,
            }
        )

        def initialize(self, context: PluginContext) -> None:
            for _ in range(handlers):
                context.on(TYPE, Quiet().hear)
            context.on_message(self.read)

        def read(self, sender: str, message: Any) -> None:
            """Take a message."""

    return Idle


class Quiet:
    """Hears and does nothing."""

    def hear(self, event: GridEvent) -> None:
        """Take an event."""


class PluginBenchmarkGrid(Grid):
    """Served by every plugin."""

    class Meta:
        model = Flight
        id = GRID
        columns = ["carrier", "origin", "dest"]


@contextmanager
def at_work(plugins: Sequence[type[Plugin]]) -> Iterator[PluginManager]:
    """Let plugins work for the length of the block, with all that they ask for."""
    manager = plugin_manager()
    grid_registry().register(PluginBenchmarkGrid)
    for plugin in plugins:
        manager.install_plugin(plugin)
    try:
        yield manager
    finally:
        grid_registry().unregister(GRID)
        for plugin in plugins:
            manager.uninstall_plugin(plugin.metadata.id)
