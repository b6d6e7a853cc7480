"""Guarded dispatch: one stable receiver for each Django signal walks the handler table.

A handler that raises is counted and shown; it never breaks the act, unless it is critical. ``before`` handlers may
veto.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol

from gridkit_django.events import GridEvent, Moment, all_signals
from gridkit_django.exceptions import EventRejected, PluginHandlerError
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.table import HandlerTable, Subscription

logger = logging.getLogger("gridkit_django.plugins")


class Dispatching(Protocol):
    """What the dispatcher needs of the runtime."""

    @property
    def table(self) -> HandlerTable:
        """The handler table in force."""
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
        self._receivers = [(_Receiver(self, moment), signal) for _, moment, signal in all_signals()]

    def connect(self) -> None:
        """Connect to all signals. Done once in each process; afterwards only the table changes."""
        for receiver, signal in self._receivers:
            signal.connect(receiver, weak=False, dispatch_uid="gridkit_django.plugins")

    def dispatch(self, event: GridEvent, moment: Moment) -> None:
        """Call the handlers of one moment of an event, in their order.

        Raises:
            EventRejected: when a ``before`` handler vetoes.
            PluginHandlerError: when a critical handler raises.
        """
        self._runtime.ensure_current()
        for item in self._runtime.table.at(event.type, moment):
            if item.owner.admits(event):
                self._call(item, event, moment)

    def _call(self, item: Subscription, event: GridEvent, moment: Moment) -> None:
        may_veto = moment is Moment.BEFORE and not event.type.startswith("plugin:")
        try:
            item.owner.call(item.handler, item.stats, event, answers=(EventRejected,) if may_veto else ())
        except EventRejected as veto:
            if may_veto:
                raise
            self._failed(item, event, veto)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - counted, logged, shown; critical handlers raise on
            self._failed(item, event, error)
        else:
            item.owner.succeeded()

    def _failed(self, item: Subscription, event: GridEvent, error: BaseException) -> None:
        """Record a failure; let the act fail with it when the handler is critical.

        A critical handler is never suspended for failing: the act fails instead, so that nothing goes unrecorded.
        Nothing is critical about events of plugins themselves, or a broken plugin could not be switched off.
        """
        logger.error("%s failed on %s %s", item.stats.name, event.type, event.id, exc_info=error)
        if item.mark.critical and _may_be_critical(item.owner, event):
            raise PluginHandlerError(
                f"{item.owner.metadata.name} could not do its part ({type(error).__name__}), so nothing was changed. "
                "An administrator finds the reason on the plugin's health page.",
                extra={"plugin": item.owner.plugin_id},
            ) from error
        self._runtime.handler_failed(item.owner, error)


def _may_be_critical(owner: LivePlugin, event: GridEvent) -> bool:
    return owner.grants.allows(Permission.AUDIT_WRITE) and not event.type.startswith("plugin:")


class _Receiver:
    """A Django receiver for the signals of one moment."""

    def __init__(self, dispatcher: Dispatcher, moment: Moment) -> None:
        self._dispatcher = dispatcher
        self._moment = moment

    def __call__(self, *, event: GridEvent, **_kwargs: Any) -> None:
        self._dispatcher.dispatch(event, self._moment)
