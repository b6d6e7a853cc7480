"""The runtime's side of a plugin context: what differs between a plugin in the process and one in its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from gridkit_django.plugins.handlers import EventHandler, HandlerMark
from gridkit_django.plugins.limits import ResourceUsage
from gridkit_django.plugins.permissions import GrantTable
from gridkit_django.typing import JSONObject, JSONValue

if TYPE_CHECKING:
    from gridkit_django.plugins.calls import RegisteredMethod
    from gridkit_django.plugins.job_calls import RegisteredJob
    from gridkit_django.plugins.outbox_calls import NewBatch, RegisteredChannel
    from gridkit_django.plugins.report_calls import RegisteredReport

Unsubscribe = Callable[[], None]
"""Takes back one subscription; calling it twice does nothing."""

MessageHandler = Callable[[str, JSONValue], None]
"""Called with the sender's plugin id and the message."""

AuditTarget = tuple[str, str, str]
"""What an audit record is about: what kind of thing, its id, its name for people."""


class StorageBackend(Protocol):
    """Keeps the values of one plugin."""

    def get(self, key: str) -> JSONValue:
        """Return a value, or None."""
        ...

    def set(self, key: str, value: JSONValue) -> None:
        """Store a value within the quota."""
        ...

    def delete(self, key: str) -> bool:
        """Delete a key; whether there was one."""
        ...

    def clear(self) -> int:
        """Delete all keys; how many there were."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that start with the prefix, sorted."""
        ...


class ContextBackend(Protocol):
    """What a context hands its calls to, after it has checked the permissions."""

    @property
    def grants(self) -> GrantTable:
        """What the plugin is allowed at this moment."""
        ...

    def used(self, permission: str) -> None:
        """Count a use of a permission that was allowed."""
        ...

    @property
    def config(self) -> BaseModel:
        """The configuration for no particular grid."""
        ...

    @property
    def storage(self) -> StorageBackend:
        """The plugin's storage."""
        ...

    def config_for(self, grid: str) -> BaseModel:
        """Return the configuration for a grid."""
        ...

    def subscribe(self, mark: HandlerMark, handler: EventHandler) -> Unsubscribe:
        """Add a handler."""
        ...

    def emit(self, event_type: str, payload: JSONObject, grid: str | None) -> None:
        """Emit an event in the plugin's name."""
        ...

    def send_message(self, target: str, message: JSONValue) -> None:
        """Hand a message to another plugin."""
        ...

    def receive_messages(self, handler: MessageHandler) -> Unsubscribe:
        """Add a handler of messages."""
        ...

    def register_method(self, method: RegisteredMethod) -> Unsubscribe:
        """Offer a method."""
        ...

    def register_job(self, job: RegisteredJob) -> Unsubscribe:
        """Offer a job."""
        ...

    def run_job(self, name: str, arguments: JSONObject, delay_seconds: int) -> str:
        """Let a worker run a job of the plugin; the run's id."""
        ...

    def open_channel(self, channel: RegisteredChannel) -> Unsubscribe:
        """Open a channel of the outbox."""
        ...

    def put_messages(self, batches: Mapping[str, NewBatch]) -> dict[str, list[str]]:
        """Put messages into channels of the outbox; their keys by channel."""
        ...

    def register_report(self, report: RegisteredReport) -> Unsubscribe:
        """Offer a report."""
        ...

    def register_exporter(self, name: str, target: str) -> Unsubscribe:
        """Offer a format."""
        ...

    def grid_state(self, grid: str) -> JSONObject:
        """Return the state that the calling user looks at."""
        ...

    def update_grid_state(self, grid: str, updater: Callable[[JSONObject], JSONObject]) -> None:
        """Change the state that the calling user looks at."""
        ...

    def row_target(self, grid: str, row_id: str, label: str) -> AuditTarget:
        """Describe a row of a grid."""
        ...

    def follow_grid(self, grid: str, options: JSONObject) -> None:
        """Record every write to the model behind a grid."""
        ...

    def send_trail(self, address: str, form: str, secret: str) -> None:
        """Let the audit trail be sent to an address."""
        ...

    def record_audit(
        self,
        action: str,
        target: AuditTarget,
        changes: Mapping[str, Sequence[Any]],
        grid: str,
        evidence: Mapping[str, Any],
    ) -> None:
        """Write an audit record."""
        ...

    def create_export(
        self, grid: str, query: JSONObject, name: str, options: JSONObject, pick: JSONObject
    ) -> JSONObject:
        """Start an export for the calling user."""
        ...

    def describe_format(self, name: str) -> JSONObject:
        """Return what is known of a format of exports."""
        ...

    def request_permission(self, permission: str, reason: str) -> None:
        """Note that the plugin asks for a permission."""
        ...

    def resource_usage(self) -> ResourceUsage:
        """Return what the plugin uses."""
        ...
