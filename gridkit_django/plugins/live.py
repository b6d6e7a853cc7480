"""One plugin object at work in this process, with everything that was registered for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pydantic import BaseModel

from gridkit_django.conf import settings
from gridkit_django.events import ActorKind, GridEvent
from gridkit_django.exceptions import PluginLimitError
from gridkit_django.plugins.backend import MessageHandler, Unsubscribe
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.calls import RegisteredMethod
from gridkit_django.plugins.config import checked_config, grid_values
from gridkit_django.plugins.handlers import EventHandler, HandlerMark
from gridkit_django.plugins.job_calls import RegisteredJob
from gridkit_django.plugins.limits import RateLimiter
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.savepoints import savepoints
from gridkit_django.plugins.serving import serves
from gridkit_django.plugins.sources import PluginCode
from gridkit_django.plugins.spec import PluginSpec
from gridkit_django.plugins.stats import CallStats, CpuMeter, Stopwatch, stopwatch
from gridkit_django.plugins.table import Subscription
from gridkit_django.typing import JSONObject


class LivePlugin:
    """A plugin object and what belongs to it. The runtime replaces it whole; only its grants are swapped in place.

    Args:
        spec: what the database said when it was built.
        metadata: its manifest.
        code: the code it was made of.
        plugin: the object.
        config: its configuration for no particular grid.
    """

    def __init__(
        self, spec: PluginSpec, metadata: PluginMetadata, code: PluginCode, plugin: Plugin, config: BaseModel
    ) -> None:
        self.spec = spec
        self.metadata = metadata
        self.code = code
        self.plugin = plugin
        self.config = config
        self.grants = spec.grants
        self.emitted = 0
        self.failures_in_row = 0
        self.cpu = CpuMeter()
        self.emit_rate = RateLimiter(metadata.resource_limits.max_events_per_second)
        self.subscriptions: tuple[Subscription, ...] = ()
        self.methods: dict[str, tuple[RegisteredMethod, CallStats]] = {}
        self.jobs: dict[str, tuple[RegisteredJob, CallStats]] = {}
        self.message_handlers: tuple[tuple[MessageHandler, CallStats], ...] = ()
        self.exporters: list[Unsubscribe] = []
        self.schemas: dict[tuple[str, str], JSONObject] = {}
        self._grid_configs: dict[str, BaseModel] = {}
        self._lock = threading.Lock()

    @property
    def plugin_id(self) -> str:
        """The plugin's id."""
        return self.spec.plugin_id

    def config_for(self, grid: str) -> BaseModel:
        """Return the configuration for a grid, checked once.

        Raises:
            PluginConfigError: when the grid's overlay does not fit.
        """
        found = self._grid_configs.get(grid)
        if found is None:
            found = checked_config(type(self.plugin), self.plugin_id, grid_values(self.spec, grid))
            self._grid_configs[grid] = found
        return found

    def admits(self, event: GridEvent) -> bool:
        """Whether the plugin is told of an event: it may listen, serves the grid, and did not emit it itself."""
        if event.actor.kind is ActorKind.PLUGIN and event.actor.id == self.plugin_id:
            return False
        return self.grants.allows(Permission.EVENTS_SUBSCRIBE) and serves(self.plugin_id, event.grid)

    def subscribe(self, mark: HandlerMark, handler: EventHandler) -> Subscription:
        """Add a handler; it is called once the runtime has built a new table.

        Raises:
            PluginLimitError: over ``max_event_handlers``.
        """
        item = Subscription(self, mark, handler, CallStats(f"{mark.pattern} {mark.moment} {_name_of(handler)}"))
        with self._lock:
            most = self.metadata.resource_limits.max_event_handlers
            if len(self.subscriptions) >= most:
                raise PluginLimitError(
                    f"{self.plugin_id} has {most} event handlers, the most that its manifest allows "
                    "(max_event_handlers).",
                    extra={"plugin": self.plugin_id, "limit": most},
                )
            self.subscriptions = (*self.subscriptions, item)
        return item

    def unsubscribe(self, item: Subscription) -> None:
        """Take a handler away, if it is still there."""
        with self._lock:
            self.subscriptions = tuple(other for other in self.subscriptions if other is not item)

    def receive_messages(self, handler: MessageHandler) -> Unsubscribe:
        """Add a handler of messages and return a function that takes it away."""
        entry = (handler, CallStats(f"message {_name_of(handler)}"))
        with self._lock:
            self.message_handlers = (*self.message_handlers, entry)

        def remove() -> None:
            with self._lock:
                self.message_handlers = tuple(item for item in self.message_handlers if item is not entry)

        return remove

    def call(
        self,
        function: Callable[..., Any],
        stats: CallStats,
        *arguments: Any,
        answers: tuple[type[BaseException], ...] = (),
    ) -> Any:
        """Call plugin code inside savepoints and count the call.

        Args:
            function: what is called.
            stats: where the call is counted.
            arguments: what it gets.
            answers: errors that are a proper answer here, such as a veto, and count as no failure.

        Raises:
            Exception: whatever the plugin's code raises; the caller decides what that means.
        """
        watch = Stopwatch()
        error: BaseException | None = None
        try:
            with stopwatch() as watch, savepoints():
                return function(*arguments)
        except BaseException as raised:
            error = None if isinstance(raised, answers) else raised
            raise
        finally:
            self.cpu.add(watch.cpu_ns)
            stats.add(watch.wall_ns, watch.cpu_ns, settings().HANDLER_BUDGET_MS, error)

    def failed(self) -> int:
        """Count a failure; how many there were in a row."""
        with self._lock:
            self.failures_in_row += 1
            return self.failures_in_row

    def succeeded(self) -> None:
        """End a row of failures."""
        self.failures_in_row = 0

    def release(self) -> None:
        """Take back everything that was registered; the object then is told of nothing more."""
        self.subscriptions = ()
        self.message_handlers = ()
        self.methods = {}
        self.jobs = {}
        self.release_exporters()

    def release_exporters(self) -> None:
        """Take back the exporters only."""
        while self.exporters:
            self.exporters.pop()()

    def all_stats(self) -> tuple[CallStats, ...]:
        """Return the accounting of every handler, method and job."""
        handlers = tuple(item.stats for item in self.subscriptions)
        methods = tuple(stats for _, stats in self.methods.values())
        jobs = tuple(stats for _, stats in self.jobs.values())
        return handlers + methods + jobs + tuple(stats for _, stats in self.message_handlers)

    def forget_context(self) -> None:
        """Cut the object off from its context: a destroyed plugin reaches nothing more."""
        with suppress(AttributeError):
            del self.plugin.context


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
