"""Plugins that do nothing, for measuring what the runtime around them costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gridkit_django.events import GridEvent
from gridkit_django.plugins import Plugin, PluginContext, PluginManager, PluginMetadata, plugin_manager

TYPE = "row:select"
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


@contextmanager
def at_work(plugins: Sequence[type[Plugin]]) -> Iterator[PluginManager]:
    """Let plugins work for the length of the block, with all that they ask for."""
    manager = plugin_manager()
    for plugin in plugins:
        manager.register_plugin(plugin)
    try:
        yield manager
    finally:
        for plugin in plugins:
            manager.unregister_plugin(plugin.metadata.id)
