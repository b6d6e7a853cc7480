"""What a plugin sees of GridKit: its context.

Nothing else is promised to a plugin. What crosses the context is plain data, so that the same plugin can run in the
process or in one of its own. Each call checks the permissions that are granted at that moment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from gridkit_django.events import Moment, Priority
from gridkit_django.plugins.backend import ContextBackend, MessageHandler, Unsubscribe
from gridkit_django.plugins.calls import MethodHandler, MethodSchema, RegisteredMethod
from gridkit_django.plugins.capabilities import Capability, PluginAudit, PluginExports, PluginJobs, PluginStorage
from gridkit_django.plugins.handlers import EventHandler, checked_mark
from gridkit_django.plugins.limits import ResourceUsage
from gridkit_django.plugins.outbox_door import PluginOutbox
from gridkit_django.plugins.permissions import Permission, checked_permission
from gridkit_django.plugins.report_calls import RegisteredReport, ReportHandler
from gridkit_django.typing import JSONObject, JSONValue


class PluginContext(Capability):
    """What a plugin sees. Each plugin gets its own when it is activated; it is dead once the plugin is destroyed.

    Attributes:
        plugin_id: the plugin's id.
        storage: its isolated storage.
        audit: writes audit records.
        exports: starts exports for the calling user.
        jobs: work in the background, at once, later or on a schedule.
        outbox: messages that must leave the house, written with the act that they tell of.
        logger: a logger under ``gridkit_django.plugin``.
    """

    def __init__(self, plugin_id: str, backend: ContextBackend) -> None:
        super().__init__(plugin_id, backend)
        self.plugin_id = plugin_id
        self.storage = PluginStorage(plugin_id, backend)
        self.audit = PluginAudit(plugin_id, backend)
        self.exports = PluginExports(plugin_id, backend)
        self.jobs = PluginJobs(plugin_id, backend)
        self.outbox = PluginOutbox(plugin_id, backend)
        self.logger = logging.getLogger(f"gridkit_django.plugin.{plugin_id.replace('.', '_')}")

    @property
    def config(self) -> Any:
        """The configuration for no particular grid: an instance of the plugin's ``Config``."""
        return self._backend.config

    def config_for(self, grid: str | None) -> Any:
        """Return the configuration for a grid: the site's, overlaid by the grid's own; an instance of ``Config``.

        Args:
            grid: id of the grid, as events and calls carry it; None for no particular grid.

        Raises:
            PluginConfigError: when the overlay of the grid does not fit ``Config``.
        """
        return self._backend.config if grid is None else self._backend.config_for(grid)

    def on(
        self,
        pattern: str,
        handler: EventHandler,
        *,
        moment: Moment | str = Moment.AFTER,
        priority: Priority | str = Priority.NORMAL,
        critical: bool = False,
    ) -> Unsubscribe:
        """Call ``handler`` with each event that ``pattern`` covers; needs ``events:subscribe``.

        For what is known only at run time; else mark a method with ``handles``. All subscriptions end by themselves
        when the plugin is deactivated.

        Args:
            pattern: an event type, an alias, ``row:*`` or ``*``.
            handler: gets a ``GridEvent``; what it returns is ignored.
            moment: ``before`` (may raise ``EventRejected`` to veto), ``after`` (in the act's transaction) or
                ``committed`` (after the commit; the only place for effects outside the database).
            priority: ``immediate``, ``high``, ``normal`` or ``low``, among the handlers of the same moment.
            critical: let the act fail when this handler fails; only for ``after``, and needs ``audit:write``.

        Returns:
            A function that ends the subscription; calling it twice does nothing.

        Raises:
            PluginPermissionError: without ``events:subscribe``.
            UnknownEventTypeError: when the pattern matches no event type.
            PluginLimitError: over ``max_event_handlers``.
        """
        self._require(Permission.EVENTS_SUBSCRIBE)
        return self._backend.subscribe(checked_mark(pattern, moment, priority, critical=critical), handler)

    def emit(self, event_type: str, payload: JSONObject | None = None, *, grid: str | None = None) -> None:
        """Emit an event in the plugin's own name; needs ``events:emit``. The plugin's own handlers do not see it.

        Args:
            event_type: an interaction such as ``row:select``; facts such as ``row:update`` are the server's.
            payload: JSON values, at most ``MESSAGE_BYTES_MAX`` bytes.
            grid: id of a grid that the plugin serves; None for an event of no grid.

        Raises:
            PluginPermissionError: without ``events:emit``.
            UnknownEventTypeError: when there is no such type.
            EventOriginError: for the facts that only the server makes, such as ``row:update``.
            PluginLimitError: over ``max_events_per_second``, or when plugins' events call forth each other too deeply.
            EventRejected: when a ``before`` handler vetoes.
        """
        self._require(Permission.EVENTS_EMIT)
        self._backend.emit(event_type, payload or {}, grid)

    def send_message(self, target: str, message: JSONValue) -> None:
        """Hand a copy of ``message`` to another active plugin.

        Needs ``messages:send``, and the other ``messages:receive``. What the other does with it is not told: its
        failure is its own.

        Args:
            target: id of the other plugin.
            message: a JSON value of at most ``MESSAGE_BYTES_MAX`` bytes.

        Raises:
            PluginPermissionError: without ``messages:send``.
            PluginMessageError: when the other is not active, does not listen, may not receive, or the message is no
                JSON or too large.
        """
        self._require(Permission.MESSAGES_SEND)
        self._backend.send_message(target, message)

    def on_message(self, handler: MessageHandler) -> Unsubscribe:
        """Call ``handler`` with each message to this plugin; needs ``messages:receive``.

        Args:
            handler: gets the sender's plugin id and the message, a copy that is its own.

        Returns:
            A function that ends it; calling it twice does nothing.

        Raises:
            PluginPermissionError: without ``messages:receive``.
        """
        self._require(Permission.MESSAGES_RECEIVE)
        return self._backend.receive_messages(handler)

    def register_method(
        self,
        name: str,
        handler: MethodHandler,
        *,
        schema: MethodSchema,
        label: str,
        right: str | None = None,
    ) -> Unsubscribe:
        """Offer a method on each grid that this plugin serves; needs ``methods:register``.

        Args:
            name: small letters, digits, ``-`` and ``_``; the last part of its address ``methods/<name>/``.
            handler: gets a ``MethodCall``; returns a JSON value, or a ``MethodResult`` with the whole answer.
            schema: JSON Schema (2020-12) of the arguments, an object schema, or a function that returns it for the id
                of a grid. Calls that break it do not reach you.
            label: for people.
            right: the right on the grid that a caller needs: ``edit_grid``, ``export_grid`` or None.

        Raises:
            PluginPermissionError: without ``methods:register``.
            PluginStateError: when another active plugin offers a method of this name.
            PluginError: for a name or a schema that is wrong.
        """
        self._require(Permission.METHODS_REGISTER)
        return self._backend.register_method(RegisteredMethod(name, handler, schema, label, right))

    def register_exporter(self, format: str, target: str) -> Unsubscribe:  # noqa: A002 - the field's word
        """Write a format of exports with the ``BaseExporter`` class at a dotted path; needs ``files:write``.

        Args:
            format: its name, as people choose it: ``ods``.
            target: dotted path of the class, imported when the first file is written.

        Returns:
            A function that ends it; calling it twice does nothing.

        Raises:
            PluginPermissionError: without ``files:write``.
            ExportError: when another plugin writes the format already.
        """
        self._require(Permission.FILES_WRITE)
        return self._backend.register_exporter(format, target)

    def register_report(self, name: str, handler: ReportHandler, *, label: str) -> Unsubscribe:
        """Show a report in the admin, on the Reports tab of the plugin's page; needs ``reports:register``.

        Args:
            name: small letters, digits, ``-`` and ``_``; unique in the plugin.
            handler: gets a ``ReportCall`` (days, grid, and what the person may see), returns a list of parts:
                ``{"kind": "series" | "ranking", "title", "value_label", "points": [{"label", "value", "note"?}],
                "note_label"?, "unit"?}``, ``{"kind": "table", "title", "columns", "rows"}`` or ``{"kind": "text",
                "text"}``. What it raises is shown in place of the report.
            label: for people, 1 to 200 characters.

        Returns:
            A function that takes it away; calling it twice does nothing.

        Raises:
            PluginPermissionError: without ``reports:register``.
            PluginStateError: when the plugin has a report of this name.
            PluginLimitError: over 20 reports.
            PluginError: for a name or a label that is wrong.
        """
        self._require(Permission.REPORTS_REGISTER)
        return self._backend.register_report(RegisteredReport(name, handler, label))

    def get_grid_state(self, grid: str) -> JSONObject:
        """Return sort, filter, search and columns of the grid that the calling user looks at; needs ``state:read``.

        Outside of a method call on that grid nobody looks, and the state is empty.

        Args:
            grid: id of the grid.

        Raises:
            PluginPermissionError: without ``state:read``.
        """
        self._require(Permission.STATE_READ)
        return self._backend.grid_state(grid)

    def update_grid_state(self, grid: str, updater: Callable[[JSONObject], JSONObject]) -> None:
        """Let ``updater`` turn the state into another, which the caller's grid takes over; needs ``state:write``.

        Args:
            grid: id of the grid of the call that is answered.
            updater: gets the state and returns the whole new one, with the keys of a rows request.

        Raises:
            PluginPermissionError: without ``state:write``.
            PluginStateError: outside of a method call on that grid.
            QueryError: when the new state is no query that the calling user could ask.
        """
        self._require(Permission.STATE_WRITE)
        self._backend.update_grid_state(grid, updater)

    def has_permission(self, permission: str) -> bool:
        """Whether ``permission`` is granted now: ask before an act that you can do without.

        Raises:
            PluginPermissionError: when there is no such permission.
        """
        return self._backend.grants.allows(checked_permission(permission))

    def request_permission(self, permission: str, reason: str = "") -> bool:
        """Ask the administrator for a permission, with a reason; whether it is granted already.

        The request is shown on the plugin's page, and administrators are told by mail, once. A permission that was
        denied or revoked is not asked for again. When it is granted, a new object of the plugin starts.

        Args:
            permission: a name, no wildcard; the manifest need not ask for it.
            reason: for the administrator, in one sentence.

        Raises:
            PluginPermissionError: when there is no such permission.
        """
        if self.has_permission(permission):
            return True
        self._backend.request_permission(permission, reason)
        return False

    def get_resource_usage(self) -> ResourceUsage:
        """Return what this plugin uses, in this process."""
        return self._backend.resource_usage()
