"""One plugin object at work in this process, with everything that was registered for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from pydantic import BaseModel

from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginLimitError, PluginStateError
from gridkit_django.plugins.backend import MessageHandler, Unsubscribe
from gridkit_django.plugins.base import Plugin
from gridkit_django.plugins.breaker import Breaker, BreakerRule
from gridkit_django.plugins.calls import RegisteredMethod
from gridkit_django.plugins.config import checked_config, grid_values
from gridkit_django.plugins.follows import Follows
from gridkit_django.plugins.handlers import EventHandler, HandlerMark
from gridkit_django.plugins.here import QUICK_NS, Here, here, own_time
from gridkit_django.plugins.job_calls import RegisteredJob
from gridkit_django.plugins.limits import RateLimiter
from gridkit_django.plugins.metadata import PluginMetadata
from gridkit_django.plugins.observers import CallObserver, tell_observers
from gridkit_django.plugins.outbox_calls import OpenChannel
from gridkit_django.plugins.permissions import GrantTable, Permission
from gridkit_django.plugins.report_calls import RegisteredReport
from gridkit_django.plugins.revisions import ConfigLayer
from gridkit_django.plugins.savepoints import CallGuard, open_guard
from gridkit_django.plugins.sources import PluginCode
from gridkit_django.plugins.spec import PluginSpec
from gridkit_django.plugins.stats import CallStats, CpuMeter
from gridkit_django.plugins.storage_standing import Standing
from gridkit_django.plugins.table import Route, Subscription
from gridkit_django.plugins.tally import Tally
from gridkit_django.typing import JSONObject

_POLL_SECONDS = 0.001
_POLL_SECONDS_MAX = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class MessageSubscription:
    """One handler of messages.

    Attributes:
        handler: what is called.
        stats: its accounting.
        tally: counts its quick calls.
        breaker: leaves it out when it is too slow.
    """

    handler: MessageHandler
    stats: CallStats
    tally: Tally
    breaker: Breaker = field(default_factory=Breaker)


class LivePlugin:
    """A plugin object and what belongs to it. The runtime replaces it whole; only its grants are swapped in place.

    Args:
        spec: what the database said when it was built.
        metadata: its manifest.
        code: the code it was made of.
        plugin: the object.
        config: its configuration for no particular grid.

    Attributes:
        follows: what it lets the audit trail follow.
        hears: whether it may be told of events now.
        standing: whether its code follows the storage; while it is overtaken, no failure of it counts.
        migrated: configurations that were made to fit its code and are not stored yet.
    """

    def __init__(
        self, spec: PluginSpec, metadata: PluginMetadata, code: PluginCode, plugin: Plugin, config: BaseModel
    ) -> None:
        self.spec, self.metadata, self.code = spec, metadata, code
        self.plugin, self.config = plugin, config
        self.standing = Standing(spec.plugin_id, code.plugin_class.storage_version)
        self._grants, self.follows = spec.grants, Follows(spec.plugin_id, spec.grants)
        self._observers: tuple[CallObserver, ...] = ()
        self._is_ended = False
        self._inside: list[Here] = []
        self._routes: WeakSet[Route] = WeakSet()
        self._made: WeakSet[Subscription] = WeakSet()
        self.cpu, self.emitted, self.failures_in_row = CpuMeter(), 0, 0
        self.emit_rate = RateLimiter(metadata.resource_limits.max_events_per_second)
        self.subscriptions: tuple[Subscription, ...] = ()
        self.methods: dict[str, tuple[RegisteredMethod, CallStats]] = {}
        self.jobs: dict[str, tuple[RegisteredJob, CallStats]] = {}
        self.channels: dict[str, OpenChannel] = {}
        self.reports: dict[str, tuple[RegisteredReport, CallStats]] = {}
        self.message_handlers: tuple[MessageSubscription, ...] = ()
        self.exporters: list[Unsubscribe] = []
        self.schemas: dict[tuple[str, str], JSONObject] = {}
        self.migrated: tuple[ConfigLayer, ...] = ()
        self._grid_configs: dict[str, BaseModel] = {}
        self._lock = threading.Lock()
        self._judge()

    @property
    def grants(self) -> GrantTable:
        """What the plugin is allowed at this moment; what is put here counts for its next call."""
        return self._grants

    @grants.setter
    def grants(self, grants: GrantTable) -> None:
        self._grants = grants
        self.follows.allow(grants)
        self._judge()

    @property
    def observers(self) -> tuple[CallObserver, ...]:
        """Who is told of each call into it."""
        return self._observers

    @observers.setter
    def observers(self, observers: tuple[CallObserver, ...]) -> None:
        self._observers = observers
        self._judge()

    @property
    def plugin_id(self) -> str:
        """The plugin's id."""
        return self.spec.plugin_id

    def config_for(self, grid: str) -> BaseModel:
        """Return the configuration for a grid, checked once.

        Raises:
            PluginConfigError: when the grid's overlay does not fit.
        """
        if grid not in self._grid_configs:
            found = checked_config(type(self.plugin), self.plugin_id, grid_values(self.spec, grid))
            self._grid_configs[grid] = found
        return self._grid_configs[grid]

    def subscribe(self, mark: HandlerMark, handler: EventHandler) -> Subscription:
        """Add a handler; it is called once the runtime has built a new table.

        Raises:
            PluginLimitError: over ``max_event_handlers``.
        """
        item = Subscription(self, mark, handler, CallStats(f"{mark.pattern} {mark.moment} {_name_of(handler)}"))
        with self._lock:
            if len(self.subscriptions) >= (most := self.metadata.resource_limits.max_event_handlers):
                raise PluginLimitError(
                    f"{self.plugin_id} has {most} event handlers, the most that its manifest allows "
                    "(max_event_handlers).",
                    extra={"plugin": self.plugin_id, "limit": most},
                )
            self.subscriptions = (*self.subscriptions, item)
            self._made.add(item)
            item.refresh()
        return item

    def unsubscribe(self, item: Subscription) -> None:
        """Take a handler away, if it is still there. It is not called again, even by an event on its way."""
        item.is_gone = True
        item.refresh()
        with self._lock:
            self.subscriptions = tuple(other for other in self.subscriptions if other is not item)

    def receive_messages(self, handler: MessageHandler) -> Unsubscribe:
        """Add a handler of messages and return a function that takes it away."""
        stats = CallStats(f"message {_name_of(handler)}")
        entry = MessageSubscription(handler, stats, Tally([(stats, self.cpu)]))
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
        entry: MessageSubscription | None = None,
    ) -> Any:
        """Call plugin code, keep the transactions under way whole, and count the call.

        Args:
            function: what is called.
            stats: where the call is counted.
            arguments: what it gets.
            answers: errors that are a proper answer here, such as a veto, and count as no failure.
            entry: what keeps the tally and the breaker of ``stats``, if anything does.

        Raises:
            PluginStateError: when the plugin has ended meanwhile.
            BaseException: whatever the plugin's code raises; the caller decides what that means.
        """
        mine = here()
        self._inside.append(mine)
        try:
            if self._is_ended:
                raise PluginStateError(f"{self.plugin_id} has just been stopped or replaced. Try again.")
            return self._measured(mine, function, stats, arguments, answers, entry)
        finally:
            self._inside.remove(mine)

    def _measured(
        self,
        mine: Here,
        function: Callable[..., Any],
        stats: CallStats,
        arguments: tuple[Any, ...],
        answers: tuple[type[BaseException], ...],
        entry: MessageSubscription | None,
    ) -> Any:
        guard, spent = open_guard(mine), mine.spent
        cpu = mine.cpu_ns if entry is not None and not entry.tally.attentive else mine.read_cpu()
        began = time.perf_counter_ns()
        error: BaseException | None = None
        try:
            return function(*arguments) if guard is None else _guarded(guard, function, arguments)
        except BaseException as raised:
            error = None if isinstance(raised, answers) else raised
            raise
        finally:
            ended = time.perf_counter_ns()
            wall, breaker = ended - began, None if entry is None else entry.breaker
            if wall > QUICK_NS:
                if entry is not None:
                    entry.tally.was_long()
                wall, used = own_time(mine, spent, wall, mine.read_cpu() - cpu)
                self.count(stats, wall, used, error, breaker)
            elif entry is None or error is not None or self._observers or entry.breaker.is_watchful:
                self.count(stats, wall, wall, error, breaker)
            else:
                entry.tally.add((began, ended))

    def count(
        self,
        stats: CallStats,
        wall_ns: int,
        cpu_ns: int,
        error: BaseException | None,
        breaker: Breaker | None = None,
    ) -> None:
        """Count one call into the plugin, let its breaker judge it, and tell the observers.

        Args:
            stats: where.
            wall_ns: its own wall time in nanoseconds.
            cpu_ns: its own processor time in nanoseconds.
            error: what it raised, if that was no proper answer.
            breaker: leaves it out when it is too slow.
        """
        limits, error = settings(), None if self.standing.is_overtaken else error
        self.cpu.add(cpu_ns)
        stats.add(wall_ns, cpu_ns, limits.HANDLER_BUDGET_MS, error)
        if breaker is not None and wall_ns > limits.HANDLER_BUDGET_MS * 1_000_000:
            breaker.slow(time.monotonic(), BreakerRule(limits.BREAKER_SLOW_CALLS, limits.BREAKER_SECONDS))
        elif breaker is not None and breaker.is_watchful:
            breaker.quick()
        tell_observers(self._observers, self.plugin_id, stats.name, wall_ns, cpu_ns, error)

    @property
    def has_pauses(self) -> bool:
        """Whether a handler of it is left out."""
        breakers = [*(item.breaker for item in self.subscriptions), *(item.breaker for item in self.message_handlers)]
        return any(breaker.is_open for breaker in breakers)

    def failed(self) -> int:
        """Count a failure; how many there were in a row."""
        with self._lock:
            self.failures_in_row += 1
            self._refresh()
            return self.failures_in_row

    def succeeded(self) -> None:
        """End a row of failures."""
        if self.failures_in_row:
            with self._lock:
                self.failures_in_row = 0
                self._refresh()

    def is_called_in(self, route: Route) -> None:
        """Events reach the plugin by this route, too."""
        with self._lock:
            self._routes.add(route)

    def drain(self, seconds: float) -> bool:
        """Wait until no other thread is inside the plugin, then let nobody in any more.

        Take it out of the runtime first, so that no new call comes. An event on its way to it counts as inside, so that
        the same objects are told to the end; calls of this thread, and threads that wait like this, do not.

        Args:
            seconds: how long to wait at most.

        Returns:
            Whether everybody was out in time.
        """
        mine, until, pause = here(), time.monotonic() + seconds, _POLL_SECONDS
        mine.drains += 1
        try:
            while (busy := self._is_busy(mine)) and time.monotonic() < until:
                time.sleep(pause)
                pause = min(2 * pause, _POLL_SECONDS_MAX)
        finally:
            mine.drains -= 1
            self.end()
        return not busy

    def end(self) -> None:
        """Let nobody in any more."""
        self._is_ended = True
        self._judge()

    def release(self) -> None:
        """Take back everything that was registered; the object then is told of nothing more."""
        self.subscriptions, self.message_handlers, self.methods = (), (), {}
        self.jobs, self.channels, self.reports = {}, {}, {}
        self.follows.release()
        self.release_exporters()

    def release_exporters(self) -> None:
        """Take back the exporters only."""
        while self.exporters:
            self.exporters.pop()()

    def all_stats(self) -> tuple[CallStats, ...]:
        """Return the accounting of every handler, channel, method, job and report."""
        named = (stats for _, stats in (*self.methods.values(), *self.jobs.values(), *self.reports.values()))
        heard = (*(item.stats for item in self.subscriptions), *(item.stats for item in self.message_handlers))
        return (*heard, *named, *(item.stats for item in self.channels.values()))

    def forget_context(self) -> None:
        """Cut the object off from its context: a destroyed plugin reaches nothing more, and nothing reaches it."""
        self.end()
        with suppress(AttributeError):
            del self.plugin.context

    def _judge(self) -> None:
        """Judge anew whether the plugin hears events: what this depends on has changed."""
        self.hears = not self._is_ended and self._grants.allows(Permission.EVENTS_SUBSCRIBE)
        with self._lock:
            self._refresh()

    def _refresh(self) -> None:
        for item in self._made:
            item.refresh()

    def _is_busy(self, mine: Here) -> bool:
        """Whether a thread that is waited for is inside."""
        with self._lock:
            routes = tuple(self._routes)
        inside = [*self._inside, *(thread for route in routes for thread in tuple(route.inside))]
        return any(thread is not mine and not thread.drains for thread in inside)


def _guarded(guard: CallGuard, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call with a guard: what a call that raises did to the transactions is rolled back."""
    with guard:
        try:
            result = function(*arguments)
        except BaseException as error:
            guard.settle(error)
            raise
        guard.settle(None)
        return result


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
