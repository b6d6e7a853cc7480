"""Guarded dispatch: one stable receiver for each Django signal walks the handler table.

A handler that raises is counted and shown; it never breaks the act, unless it is critical. ``before`` handlers may
veto. One that is too slow too often is left out for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from django.db.backends.signals import connection_created

from gridkit_django.conf import settings
from gridkit_django.events import GridEvent, Moment, all_signals
from gridkit_django.events.signals import DirectReceiver
from gridkit_django.exceptions import PluginHandlerError
from gridkit_django.grids.registry import GridRegistry, grid_registry
from gridkit_django.models import EffectiveState
from gridkit_django.plugins.breaker import Breaker
from gridkit_django.plugins.here import here
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.processes import ProcessRow
from gridkit_django.plugins.reports import Reporter, StateReport
from gridkit_django.plugins.rounds import go_round
from gridkit_django.plugins.savepoints import connection_opened
from gridkit_django.plugins.table import HandlerTable, Row, Subscription

logger = logging.getLogger("gridkit_django.plugins")

PAUSED = "handler-paused"
"""The reason code of a plugin that has a handler which is left out."""

_NO_TABLE = HandlerTable()
"""Stands for no table seen yet; it is never in force."""


class Dispatching(Protocol):
    """What the dispatcher needs of the runtime."""

    @property
    def table(self) -> HandlerTable:
        """The handler table in force."""
        ...

    @property
    def reporter(self) -> Reporter:
        """Writes what was seen."""
        ...

    @property
    def process(self) -> ProcessRow:
        """This process, for the evidence."""
        ...

    def ensure_current(self) -> None:
        """Follow the database, if that was not checked since the request began."""
        ...

    def handler_failed(self, owner: LivePlugin, error: BaseException) -> None:
        """Count a failure of a plugin, and suspend it after too many."""
        ...


class Dispatcher:
    """Receives every signal and calls the handlers of plugins.

    Args:
        runtime: holds the table.
    """

    def __init__(self, runtime: Dispatching) -> None:
        self._runtime = runtime
        self._receivers: tuple[_Receiver, ...] = ()

    def connect(self) -> None:
        """Connect to all signals. Done once in each process; afterwards only the table changes."""
        connection_created.connect(connection_opened, dispatch_uid="gridkit_django.plugins")
        grids = grid_registry()
        for event_type, moment, signal in all_signals():
            receiver = _Receiver(self._runtime, self, grids, (event_type, moment))
            signal.connect(receiver, weak=False, dispatch_uid="gridkit_django.plugins")
            self._receivers = (*self._receivers, receiver)

    def table_changed(self) -> None:
        """Let go of the table before: whoever hears of no event for a while would keep plugins that ended alive."""
        for receiver in self._receivers:
            receiver.forget()

    def handler_failed(self, item: Subscription, event: GridEvent, error: BaseException) -> None:
        """Record a failure; let the act fail with it when the handler is critical.

        A critical handler is never suspended for failing: the act fails instead, so that nothing goes unrecorded.
        Nothing is critical about events of plugins themselves, or a broken plugin could not be switched off.

        Raises:
            PluginHandlerError: when the handler is critical.
        """
        logger.error("%s failed on %s %s", item.stats.name, event.type, event.id, exc_info=error)
        if item.is_critical and not event.type.startswith("plugin:"):
            raise PluginHandlerError(
                f"{item.owner.metadata.name} could not do its part ({type(error).__name__}), so nothing was changed. "
                "An administrator finds the reason on the plugin's health page.",
                extra={"plugin": item.owner.plugin_id},
            ) from error
        self._runtime.handler_failed(item.owner, error)

    def tell_pause(self, owner: LivePlugin, name: str, breaker: Breaker) -> None:
        """Report that a handler is left out for a while because it is too slow; or that none of its plugin is now."""
        seconds = breaker.take_news()
        if seconds:
            reason = (
                f"{name} took longer than {settings().HANDLER_BUDGET_MS} ms again and again, so it is left out for "
                f"{seconds:g} seconds and then tried again."
            )
            evidence = {**self._runtime.process.describe(), "handler": name, "seconds": seconds}
            self._report(owner, EffectiveState.DEGRADED, PAUSED, reason, evidence)
        elif seconds is not None and not owner.has_pauses:
            self._report(owner, EffectiveState.ACTIVE, "", "", self._runtime.process.describe())

    def message_failed(self, owner: LivePlugin, error: BaseException) -> None:
        """Count a failure of a message handler."""
        self._runtime.handler_failed(owner, error)

    def _report(
        self, owner: LivePlugin, state: EffectiveState, code: str, reason: str, evidence: Mapping[str, object]
    ) -> None:
        replaces = "" if code else PAUSED
        revision = owner.spec.revision
        self._runtime.reporter.report(
            StateReport(owner.plugin_id, revision, state, code, reason, evidence, replaces=replaces)
        )


class _Receiver(DirectReceiver):
    """Receives the signal of one event type and moment.

    Args:
        runtime: holds the table.
        dispatcher: judges failures.
        grids: the grids of this process, which say what plugins serve them.
        key: the event type and the moment.
    """

    def __init__(
        self, runtime: Dispatching, dispatcher: Dispatcher, grids: GridRegistry, key: tuple[str, Moment]
    ) -> None:
        event_type, moment = key
        self._runtime = runtime
        self._dispatcher = dispatcher
        self._grids = grids
        self._key = key
        self._is_of_plugins = event_type.startswith("plugin:")
        self._may_veto = moment is Moment.BEFORE and not self._is_of_plugins
        self._seen: tuple[HandlerTable, Row | None] = (_NO_TABLE, None)

    def hear(self, event: GridEvent) -> None:
        """Call the handlers of plugins.

        Raises:
            EventRejected: when a ``before`` handler vetoes.
            PluginHandlerError: when a critical handler raises.
        """
        runtime = self._runtime
        runtime.ensure_current()
        while True:
            table, row = self._seen
            if table is not runtime.table:
                table, row = self._look()
            if row is None:
                return None
            route = row.route(event, self._grids)
            if not route.calls:
                return None
            mine = here()
            route.inside.append(mine)
            try:
                # Only who is inside by the table in force is waited for when a plugin is replaced.
                if runtime.table is table:
                    return go_round(route, event, mine, self._dispatcher, may_veto=self._may_veto)
            finally:
                route.inside.remove(mine)

    def forget(self) -> None:
        """Forget the table that was seen last."""
        self._seen = (_NO_TABLE, None)

    def expects(self) -> bool:
        """Whether a plugin listens now. One that is just being switched on hears of that, so this says yes there."""
        table, row = self._seen
        if table is not self._runtime.table:
            row = self._look()[1]
        return row is not None or self._is_of_plugins

    def _look(self) -> tuple[HandlerTable, Row | None]:
        table = self._runtime.table
        self._seen = (table, table.rows.get(self._key))
        return self._seen
