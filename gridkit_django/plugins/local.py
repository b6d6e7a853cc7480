"""The context's backend for plugins that run inside this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from pydantic import BaseModel

from gridkit_django.audit import Target, record
from gridkit_django.audit.policies import is_trail
from gridkit_django.conf import settings
from gridkit_django.events import SERVER_TYPES, Actor, EventSource, GridEvent, canonical_type, current_act, event_bus
from gridkit_django.exceptions import (
    AccessDeniedError,
    EventOriginError,
    PluginError,
    PluginLimitError,
    PluginStateError,
)
from gridkit_django.exports import create_export, describe_job, exporters
from gridkit_django.grids import grid_registry, open_grid
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import compile_query
from gridkit_django.plugins import jobs, methods, outbox, report_runs
from gridkit_django.plugins.backend import AuditTarget, MessageHandler, StorageBackend, Unsubscribe
from gridkit_django.plugins.calls import RegisteredMethod
from gridkit_django.plugins.callscope import current_call
from gridkit_django.plugins.depth import one_deeper
from gridkit_django.plugins.destinations import Wish, check_address
from gridkit_django.plugins.follows import grid_policy
from gridkit_django.plugins.handlers import EventHandler, HandlerMark
from gridkit_django.plugins.job_calls import RegisteredJob
from gridkit_django.plugins.jobs import JobRuntime
from gridkit_django.plugins.limits import ResourceUsage
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.memory import HeapBook
from gridkit_django.plugins.outbox_calls import NewBatch, RegisteredChannel
from gridkit_django.plugins.permission_use import PermissionUse
from gridkit_django.plugins.permissions import GrantTable
from gridkit_django.plugins.plain_data import plain_copy
from gridkit_django.plugins.report_calls import RegisteredReport
from gridkit_django.plugins.requests import note_request
from gridkit_django.plugins.serving import serves
from gridkit_django.plugins.storage import DatabaseStorage
from gridkit_django.typing import JSONObject, JSONValue, User


class Host(JobRuntime, Protocol):
    """What the backend needs of the runtime."""

    def rebuild_table(self) -> None:
        """Build the handler table anew from the plugins at work."""
        ...

    def deliver(self, sender: str, target: str, message: JSONValue) -> None:
        """Hand a message to another plugin."""
        ...

    @property
    def heaps(self) -> HeapBook:
        """What is known about the Python heap of plugins."""
        ...

    @property
    def permission_use(self) -> PermissionUse:
        """Counts the uses of permissions."""
        ...


class LocalBackend:
    """Serves one live plugin.

    Args:
        host: the runtime.
        live: the plugin.
    """

    def __init__(self, host: Host, live: LivePlugin) -> None:
        self._host = host
        self._live = live
        most = live.metadata.resource_limits.max_storage_mb
        self._storage = DatabaseStorage(live.plugin_id, most, live.standing)

    @property
    def grants(self) -> GrantTable:
        """What the plugin is allowed at this moment."""
        return self._live.grants

    def used(self, permission: str) -> None:
        """Count a use of a permission."""
        self._host.permission_use.add(self._live.plugin_id, permission)

    @property
    def config(self) -> BaseModel:
        """The configuration for no particular grid."""
        return self._live.config

    @property
    def storage(self) -> StorageBackend:
        """The plugin's storage."""
        return self._storage

    def config_for(self, grid: str) -> BaseModel:
        """Return the configuration for a grid."""
        return self._live.config_for(grid)

    def subscribe(self, mark: HandlerMark, handler: EventHandler) -> Unsubscribe:
        """Add a handler; a plugin at work is told of the next event already."""
        item = self._live.subscribe(mark, handler)
        self._refresh()

        def remove() -> None:
            self._live.unsubscribe(item)
            self._refresh()

        return remove

    def emit(self, event_type: str, payload: JSONObject, grid: str | None) -> None:
        """Emit an event in the plugin's name.

        Raises:
            EventOriginError: for facts that only the server makes, and on grids that the plugin does not serve.
            PluginLimitError: too many events, too deep, or a payload that is too large.
            PluginError: when the payload is no JSON object.
            GridNotFoundError: when there is no such grid.
        """
        plugin_id = self._live.plugin_id
        if canonical_type(event_type) in SERVER_TYPES:
            raise EventOriginError(f"{plugin_id} may not emit {event_type!r}: only the server makes this fact.")
        if not serves(plugin_id, grid):
            raise EventOriginError(f"{plugin_id} may not emit events on {grid!r}: it does not serve this grid.")
        self._take_emission()
        event = GridEvent(
            type=event_type,
            payload=_plain_payload(payload),
            grid=grid,
            actor=Actor.plugin(plugin_id),
            source=EventSource.PLUGIN,
            correlation_id=current_act().correlation_id,
        )
        sender = grid_registry().get(grid) if grid is not None else GridEvent
        with one_deeper(plugin_id):
            event_bus().emit(event, sender=sender)
        self._live.emitted += 1

    def send_message(self, target: str, message: JSONValue) -> None:
        """Hand a message to another plugin."""
        self._host.deliver(self._live.plugin_id, target, message)

    def receive_messages(self, handler: MessageHandler) -> Unsubscribe:
        """Add a handler of messages."""
        return self._live.receive_messages(handler)

    def register_method(self, method: RegisteredMethod) -> Unsubscribe:
        """Offer a method."""
        methods.register(self._live, method, self._host.live.values())
        return lambda: methods.unregister(self._live, method)

    def register_job(self, job: RegisteredJob) -> Unsubscribe:
        """Offer a job."""
        return jobs.register(self._live, job)

    def run_job(self, name: str, arguments: JSONObject, delay_seconds: int) -> str:
        """Let a worker run a job of the plugin."""
        return str(jobs.start(self._host, self._live.plugin_id, name, arguments, delay_seconds=delay_seconds).pk)

    def open_channel(self, channel: RegisteredChannel) -> Unsubscribe:
        """Open a channel of the outbox."""
        return outbox.open_channel(self._live, channel)

    def put_messages(self, batches: Mapping[str, NewBatch]) -> dict[str, list[str]]:
        """Put messages into channels of the outbox; their keys."""
        return outbox.put_messages(self._live, batches)

    def register_report(self, report: RegisteredReport) -> Unsubscribe:
        """Offer a report."""
        return report_runs.register(self._live, report)

    def register_exporter(self, name: str, target: str) -> Unsubscribe:
        """Offer a format."""
        remove = exporters().register(name, target, owner=self._live.plugin_id)
        self._live.exporters.append(remove)
        return remove

    def grid_state(self, grid: str) -> JSONObject:
        """Return the state that the calling user looks at; empty when nobody looks."""
        scope = current_call()
        return scope.state if scope is not None and scope.call.grid == grid else {}

    def update_grid_state(self, grid: str, updater: Callable[[JSONObject], JSONObject]) -> None:
        """Change the state that the calling user looks at.

        Raises:
            PluginStateError: outside of a method call on this grid.
            QueryError: when the new state is no query that the user could ask.
        """
        scope = current_call()
        if scope is None or scope.call.grid != grid:
            raise PluginStateError(
                f"Nobody looks at {grid!r} now: the state can be changed only while answering a call."
            )
        state = dict(updater(scope.state))
        compile_query(open_grid(grid, _calling_user()), GridQuery.from_dict(state))
        scope.put(state)

    def row_target(self, grid: str, row_id: str, label: str) -> AuditTarget:
        """Describe a row of a grid.

        Raises:
            GridNotFoundError: when there is no such grid.
        """
        target = Target.of_row(grid_registry().get(grid).options.model, row_id, label)
        return target.type, target.id, target.label

    def follow_grid(self, grid: str, options: JSONObject) -> None:
        """Record every write to the model behind a grid, if the plugin serves it; the trail does not follow itself.

        Raises:
            GridNotFoundError: when there is no such grid.
            AuditPolicyError: when an option is wrong.
        """
        found = grid_registry().get(grid)
        if serves(self._live.plugin_id, grid) and not is_trail(found.options.model):
            self._live.follows.put(grid_policy(found, options))

    def send_trail(self, address: str, form: str, secret: str) -> None:
        """Let the audit trail be sent to an address as long as the plugin is at work.

        Raises:
            AuditDestinationError: when it is no address.
        """
        self._live.follows.destination = Wish(check_address(address), form, secret)

    def record_audit(
        self,
        action: str,
        target: AuditTarget,
        changes: Mapping[str, Sequence[Any]],
        grid: str,
        evidence: Mapping[str, Any],
    ) -> None:
        """Write an audit record, which says by which plugin it was written."""
        facts = {**evidence, "plugin": self._live.plugin_id, "pluginVersion": self._live.metadata.version}
        record(action, target=Target(*target), changes=changes, grid=grid, evidence=facts)

    def create_export(
        self, grid: str, query: JSONObject, name: str, options: JSONObject, pick: JSONObject
    ) -> JSONObject:
        """Start an export as the calling user.

        Raises:
            AccessDeniedError: outside of a call by a user, or without the right to export.
            GridNotFoundError: when the user may not open the grid.
            PluginError: when ``pick`` has what it can't have.
        """
        if strange := sorted(set(pick) - {"rows", "view", "queue", "notify", "consistency"}):
            raise PluginError(f"An export takes rows, view, queue, notify and consistency, and no {strange[0]!r}.")
        told: dict[str, Any] = dict(pick)
        return describe_job(create_export(grid, dict(query), name, _calling_user(), options=dict(options), **told))

    def describe_format(self, name: str) -> JSONObject:
        """Return what is known of a format of exports.

        Raises:
            UnknownFormatError: when no active plugin writes it, or its code can't be loaded.
        """
        found = exporters().get(name)
        options = cast("JSONObject", plain_copy(dict(found.options_schema), settings().MESSAGE_BYTES_MAX))
        return {"format": name, "label": found.label, "extension": found.extension, "options": options}

    def request_permission(self, permission: str, reason: str) -> None:
        """Note that the plugin asks for a permission."""
        note_request(self._live.plugin_id, permission, reason)

    def resource_usage(self) -> ResourceUsage:
        """Return what the plugin uses."""
        return usage_of(self._live, self._storage.used_bytes(), self._host.heaps)

    def _refresh(self) -> None:
        if self._host.live.get(self._live.plugin_id) is self._live:
            self._host.rebuild_table()

    def _take_emission(self) -> None:
        if not self._live.emit_rate.take():
            most = self._live.metadata.resource_limits.max_events_per_second
            raise PluginLimitError(
                f"{self._live.plugin_id} emits more than {most} events a second (max_events_per_second).",
                extra={"plugin": self._live.plugin_id, "limit": most},
            )


def usage_of(live: LivePlugin, storage_bytes: int, heaps: HeapBook) -> ResourceUsage:
    """Return what a live plugin uses.

    Args:
        live: the plugin.
        storage_bytes: the size of its storage.
        heaps: what is known about the heap of plugins here.
    """
    figures = [stats.figures() for stats in live.all_stats()]
    return ResourceUsage(
        event_handlers=len(live.subscriptions),
        storage_bytes=storage_bytes,
        calls=sum(item.calls for item in figures),
        errors=sum(item.errors for item in figures),
        cpu_seconds=sum(item.cpu_ms for item in figures) / 1000,
        cpu_percent=live.cpu.percent(),
        events_emitted=live.emitted,
        slow=sum(item.slow for item in figures),
        skipped=sum(item.skipped for item in figures),
        heap_bytes=heaps.measure(live).size,
        load_heap_bytes=heaps.load_size(live.code.digest),
    )


def _plain_payload(payload: JSONObject) -> JSONObject:
    """Return a copy of a payload as JSON knows it.

    Raises:
        PluginError: when it is no JSON object.
        PluginLimitError: when it is too large.
    """
    try:
        copied = plain_copy(dict(payload), settings().MESSAGE_BYTES_MAX)
    except (TypeError, ValueError) as error:
        raise PluginError(f"The payload of an event must be a JSON object: {error}.") from error
    except OverflowError as error:
        raise PluginLimitError(f"The payload of an event has {error} (MESSAGE_BYTES_MAX).") from error
    return cast("JSONObject", copied)


def _calling_user() -> User:
    """Return the user whose call is answered, as the database knows it now.

    Raises:
        AccessDeniedError: outside of a call, or when the user is gone.
    """
    scope = current_call()
    if scope is None:
        raise AccessDeniedError(
            "An export is made for a user, so it can be started only while answering a user's call."
        )
    if scope.call.user_id is None:
        return AnonymousUser()
    user = get_user_model()._default_manager.filter(pk=scope.call.user_id).first()
    if user is None:
        raise AccessDeniedError("The user who made this call does not exist any more.")
    return user
