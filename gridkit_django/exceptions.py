"""The one error tree of GridKit.

Every error carries a stable ``code`` (kebab-case, never renamed), which the API, the admin and the audit
trail show next to the human text. Catch the width you need::

    GridKitError
    ├── SettingsError                      the GRIDKIT settings are wrong
    ├── AccessDeniedError                  the user lacks a right that may be named
    ├── EventError
    │   ├── UnknownEventTypeError          no such event type, alias or pattern
    │   ├── EventOriginError               the sender may not make this type of event
    │   └── EventRejected                  a handler vetoed the act before it happened
    ├── GridError
    │   ├── GridDeclarationError           a Grid class contradicts itself or its model
    │   │   ├── PathMissingError           a column's path names no database field
    │   │   └── PathToManyError            a column's path crosses a relation to many rows
    │   ├── GridNotFoundError              unknown, or the user may not open it: the same answer
    │   ├── QueryError                     the query can't be understood
    │   │   ├── UnknownColumnError         unknown, or the user may not see it: the same answer
    │   │   ├── UnknownOperatorError       the column's type has no such operator
    │   │   ├── FilterValueError           the value does not fit the column's type
    │   │   ├── QueryTooSlowError          the database needed too long for it
    │   │   ├── DialectError               another grid's request says what ours can't
    │   │   ├── QueryLimitError            deeper, longer or larger than the limits in the schema
    │   │   └── CursorError                not a cursor of ours
    │   │       └── CursorMismatchError    a cursor of another sort, filter or schema
    │   ├── RecordNotFoundError            no such row, or the user may not see it
    │   ├── EditError
    │   │   ├── VersionRequiredError       an edit without the version it was made from
    │   │   ├── VersionConflictError       the row moved on; carries the current row
    │   │   ├── ColumnNotEditableError     visible, but not for this user to change
    │   │   ├── EditInvalidError           the model refuses the values
    │   │   ├── BulkDriftError             not as many rows as the client saw
    │   │   ├── UndoError                  it can't be undone (any more)
    │   │   └── IdempotencyError           the key was used for another request
    │   │       └── RequestUnderWayError   the same request is still being carried out
    │   ├── ViewNotFoundError              no such saved view, or not for this user
    │   ├── ViewError                      a saved view or state can't be stored like this
    │   ├── MethodNotFoundError            no active plugin offers this method here
    │   └── MethodArgumentsError           the arguments break the method's JSON Schema
    ├── AuditError
    │   └── AppendOnlyError                audit records are never changed or deleted
    ├── ExportError
    │   ├── UnknownFormatError             no active plugin writes this format
    │   │   └── FormatUnavailableError     its library can't be loaded on this site
    │   ├── ExportOptionsError             the options break the format's schema
    │   ├── ExportLimitError               too many exports of this user are under way
    │   ├── ExportNotFoundError            unknown, or another user's
    │   ├── ExportNotReadyError            no file yet, or no file any more
    │   ├── ExportTooLargeError            more rows than the format takes
    │   ├── ExportLostError                its worker or its message is gone
    │   └── ExportCancelled                the owner asked the running job to stop
    └── PluginError
        ├── PluginNotFoundError            not installed, or no such source
        ├── PluginStateError               the plugin's state does not allow this
        │   └── PluginConsentError         an update asks for more than was granted
        ├── PluginVersionError             no such version to update or roll back to
        ├── PluginSearchError              a search asks for what nobody here knows
        ├── ManifestError                  plugin.toml is missing or wrong
        ├── PluginIncompatibleError        another core version, a missing peer, a conflict
        ├── PluginLoadError                its code can't be imported
        ├── PluginInitializeError          initialize() raised
        │   └── PluginNotReadyError        what it needs is not there yet; it is tried again
        ├── PluginCrashError               a process died while the plugin started
        ├── PluginConfigError              the configuration breaks the plugin's schema
        │   └── ConfigRevisionNotFoundError  the scope has no such revision
        ├── PluginSecretError              a stored secret can't be decrypted
        ├── PluginPermissionError          the plugin was not granted this
        ├── PluginLimitError               over a declared resource limit
        │   ├── PluginLoopError            plugins answer each other in a circle
        │   └── StorageQuotaError          over max_storage_mb
        ├── PluginMessageError             a message could not be delivered
        ├── PluginJobError                 a job could not be run
        │   ├── JobNotFoundError           the plugin has no such job
        │   └── JobArgumentsError          the arguments break the job's JSON Schema
        ├── PluginMethodError              a method raised
        └── PluginHandlerError             a critical handler raised, so the act failed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """One fault inside a larger refusal.

    Attributes:
        pointer: where it is, as a JSON Pointer (RFC 6901) into the request body, like ``/filter/and/0``.
        code: a stable kebab-case code.
        detail: what is wrong and what was expected, for a person.
    """

    pointer: str
    code: str
    detail: str


class GridKitError(Exception):
    """The root of every error that GridKit raises on purpose.

    Args:
        detail: what happened, what was expected and what to do next, in plain words.
        errors: the single faults, when there is more than one or when a place can be named.
        extra: plain values that a face may show next to the text (for example the current row of a conflict).
    """

    code: ClassVar[str] = "gridkit-error"

    def __init__(
        self, detail: str, *, errors: Sequence[ErrorItem] = (), extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.extra = dict(extra or {})

    @classmethod
    def at(cls, pointer: str, detail: str) -> Self:
        """Make this error with one fault at ``pointer`` (a JSON Pointer, RFC 6901)."""
        return cls(detail, errors=[ErrorItem(pointer, cls.code, detail)])


class SettingsError(GridKitError):
    """The ``GRIDKIT`` settings dict holds an unknown key or a value of the wrong type."""

    code = "settings-invalid"


class AccessDeniedError(GridKitError):
    """The user lacks a right whose existence is no secret (for example to edit a grid that they may open)."""

    code = "access-denied"


class EventError(GridKitError):
    """Something about an event is wrong."""

    code = "event-invalid"


class UnknownEventTypeError(EventError):
    """The name is no event type, no alias and no pattern."""

    code = "event-type-unknown"


class EventOriginError(EventError):
    """This sender may not make this type of event: row and cell facts come from the server only."""

    code = "event-origin-forbidden"


class EventRejected(EventError):  # noqa: N818 - a refusal, named for what a handler says
    """Raise this in a ``before`` handler to veto the act; the detail is shown to the person."""

    code = "event-rejected"


class GridError(GridKitError):
    """Something about a grid is wrong."""

    code = "grid-error"


class GridDeclarationError(GridError):
    """A ``Grid`` class contradicts itself or its model; raised when the class is made or registered."""

    code = "grid-declaration-invalid"


class PathMissingError(GridDeclarationError):
    """A column's path names something that is no database field (``gridkit.E101``)."""

    code = "grid-path-missing"


class PathToManyError(GridDeclarationError):
    """A column's path crosses a relation to many rows (``gridkit.E102``)."""

    code = "grid-path-to-many"


class GridNotFoundError(GridError):
    """No such grid, or the user may not open it. Both answer alike, so that names do not leak."""

    code = "grid-not-found"


class QueryError(GridError):
    """The query can't be understood; nothing of it was run."""

    code = "query-invalid"


class UnknownColumnError(QueryError):
    """No such column, or the user may not see it. Both answer alike (house rule 9)."""

    code = "column-unknown"


class UnknownOperatorError(QueryError):
    """The column's type has no such operator."""

    code = "operator-unknown"


class FilterValueError(QueryError):
    """The value does not fit the column's type."""

    code = "filter-value-invalid"


class QueryLimitError(QueryError):
    """Deeper, longer or larger than the limits that the schema announces."""

    code = "query-limit-exceeded"


class QueryTooSlowError(QueryError):
    """The database needed longer than the site allows (``QUERY_MS_MAX``). Narrow the question."""

    code = "query-too-slow"


class DialectError(QueryError):
    """A request in the dialect of another grid says something that this one can't do or does not understand."""

    code = "dialect-not-understood"


class CursorError(QueryError):
    """The text is no cursor that this site signed."""

    code = "cursor-invalid"


class CursorMismatchError(CursorError):
    """The cursor belongs to another sort, filter, search or schema: start again from the first page."""

    code = "cursor-mismatch"


class RecordNotFoundError(GridError):
    """No row with this id in the rows that the user may see."""

    code = "record-not-found"


class EditError(GridError):
    """An edit was refused."""

    code = "edit-refused"


class VersionRequiredError(EditError):
    """An edit must name the version it was made from (RFC 6585: 428)."""

    code = "version-required"


class VersionConflictError(EditError):
    """The row moved on since it was read (RFC 9110: 412). ``extra["current"]`` holds the current row."""

    code = "version-conflict"


class ColumnNotEditableError(EditError):
    """The user may see the column but not change it."""

    code = "column-not-editable"


class EditInvalidError(EditError):
    """The model's validation or a database constraint refuses the values."""

    code = "edit-invalid"


class BulkDriftError(EditError):
    """The selection holds more or fewer rows than the client expected. ``extra["count"]`` holds how many."""

    code = "bulk-count-drift"


class UndoError(EditError):
    """The change can't be undone: too old, undone already, or a row has moved on since."""

    code = "undo-not-possible"


class IdempotencyError(EditError):
    """The Idempotency-Key was used for another request."""

    code = "idempotency-key-reused"


class RequestUnderWayError(IdempotencyError):
    """A request with this Idempotency-Key is still being carried out. Ask again in a moment."""

    code = "idempotency-under-way"


class ViewNotFoundError(GridError):
    """No such saved view, or the user may not see it. Both answer alike."""

    code = "view-not-found"


class ViewError(GridError):
    """A saved view or state can't be stored like this."""

    code = "view-invalid"


class MethodNotFoundError(GridError):
    """No active plugin offers this method on this grid to this user."""

    code = "method-not-found"


class MethodArgumentsError(GridError):
    """The arguments break the method's JSON Schema."""

    code = "method-arguments-invalid"


class AuditError(GridKitError):
    """Something about the audit trail is wrong."""

    code = "audit-error"


class AppendOnlyError(AuditError):
    """Audit records are written once: no update, no delete."""

    code = "audit-append-only"


class ExportError(GridKitError):
    """An export could not be made."""

    code = "export-failed"


class UnknownFormatError(ExportError):
    """No active plugin writes this format."""

    code = "export-format-unknown"


class FormatUnavailableError(UnknownFormatError):
    """A plugin offers the format, but its code or a library that it needs can't be loaded on this site."""

    code = "export-format-unavailable"


class ExportOptionsError(ExportError):
    """The options break the schema of the format."""

    code = "export-options-invalid"


class ExportLimitError(ExportError):
    """As many exports of this user are under way as one user may have (``EXPORT_JOBS_PER_USER``)."""

    code = "export-limit-reached"


class ExportNotFoundError(ExportError):
    """No such job, or it belongs to somebody else. Both answer alike."""

    code = "export-not-found"


class ExportNotReadyError(ExportError):
    """The job has no file yet, or its file has expired."""

    code = "export-not-ready"


class ExportTooLargeError(ExportError):
    """The selection has more rows than the format takes."""

    code = "export-too-large"


class ExportLostError(ExportError):
    """The job shows no sign of life: its worker stopped, or the message to the worker was lost."""

    code = "export-lost"


class ExportCancelled(ExportError):  # noqa: N818 - a wish of the owner, not a fault
    """The job was asked to stop while it ran."""

    code = "export-cancelled"


class PluginError(GridKitError):
    """Something about a plugin is wrong."""

    code = "plugin-error"


class PluginNotFoundError(PluginError):
    """The plugin is not installed, or there is no source with this name."""

    code = "plugin-not-found"


class PluginStateError(PluginError):
    """The plugin's state does not allow this act."""

    code = "plugin-state-invalid"


class PluginConsentError(PluginStateError):
    """An update asks for permissions that nobody decided about; the old version runs on until somebody does."""

    code = "plugin-consent-required"


class PluginVersionError(PluginError):
    """There is no such version to update or roll back to, or its files were not kept."""

    code = "plugin-version-unknown"


class PluginSearchError(PluginError):
    """A search among plugins asks for something that nobody here knows, or for a place that does not exist."""

    code = "plugin-search-invalid"


class ManifestError(PluginError):
    """``plugin.toml`` is missing, unreadable, or breaks its schema."""

    code = "plugin-manifest-invalid"


class PluginIncompatibleError(PluginError):
    """The plugin wants another core version, a peer that is missing, or conflicts with an active one."""

    code = "plugin-incompatible"


class PluginLoadError(PluginError):
    """The plugin's code can't be imported."""

    code = "plugin-load-failed"


class PluginInitializeError(PluginError):
    """``initialize`` raised; the plugin is not active."""

    code = "plugin-initialize-failed"


class PluginNotReadyError(PluginInitializeError):
    """Raise this in ``initialize`` when something outside is not there yet: you are tried again, later and later."""

    code = "plugin-not-ready"


class PluginCrashError(PluginError):
    """A process of the site died while the plugin started, so it is held back for a while."""

    code = "plugin-killed-process"


class PluginConfigError(PluginError):
    """The configuration breaks the plugin's schema."""

    code = "plugin-config-invalid"


class ConfigRevisionNotFoundError(PluginConfigError):
    """The configuration of this scope has no such revision."""

    code = "plugin-config-revision-unknown"


class PluginSecretError(PluginError):
    """A stored secret can't be decrypted: it was encrypted with a key that this site no longer has."""

    code = "plugin-secret-unreadable"


class PluginPermissionError(PluginError):
    """The plugin did something that it was not granted."""

    code = "plugin-permission-denied"


class PluginLimitError(PluginError):
    """The plugin is over one of its declared resource limits."""

    code = "plugin-limit-exceeded"


class PluginLoopError(PluginLimitError):
    """Events and messages of plugins called forth each other too often: they answer each other in a circle."""

    code = "plugin-loop"


class StorageQuotaError(PluginLimitError):
    """The plugin's storage would grow over ``max_storage_mb``."""

    code = "plugin-storage-quota-exceeded"


class PluginMessageError(PluginError):
    """A message between plugins could not be delivered."""

    code = "plugin-message-undeliverable"


class PluginJobError(PluginError):
    """A plugin's job could not be run."""

    code = "plugin-job-failed"


class JobNotFoundError(PluginJobError):
    """The plugin is not active, or has no job of this name."""

    code = "plugin-job-unknown"


class JobArgumentsError(PluginJobError):
    """The arguments of a plugin's job break its JSON Schema, or are too large."""

    code = "plugin-job-arguments-invalid"


class PluginMethodError(PluginError):
    """A plugin's method raised; the text names the plugin and the error, not its internals."""

    code = "plugin-method-failed"


class PluginHandlerError(PluginError):
    """A critical handler raised: the act that it belongs to is undone with it."""

    code = "plugin-handler-failed"
