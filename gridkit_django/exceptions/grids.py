"""Errors about grids, queries, edits and views."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError

__all__ = [
    "BatchRejectedError",
    "BulkCancelled",
    "BulkDriftError",
    "BulkLimitError",
    "BulkLostError",
    "ColumnNotEditableError",
    "CursorError",
    "CursorMismatchError",
    "DeleteCascadesError",
    "DeleteProtectedError",
    "DialectError",
    "EditError",
    "EditInvalidError",
    "FilterValueError",
    "GridDeclarationError",
    "GridError",
    "GridNotFoundError",
    "IdempotencyError",
    "MethodArgumentsError",
    "MethodNotFoundError",
    "PathMissingError",
    "PathToManyError",
    "QueryError",
    "QueryLimitError",
    "QueryNotComputableError",
    "QueryTooSlowError",
    "RecordNotFoundError",
    "RequestUnderWayError",
    "UndoError",
    "UnknownColumnError",
    "UnknownOperatorError",
    "VersionConflictError",
    "VersionRequiredError",
    "ViewError",
    "ViewNotFoundError",
]


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


class QueryNotComputableError(QueryError):
    """The database can't compute it: a pattern that is none, a figure too large for any number, an unknown zone."""

    code = "query-not-computable"


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


class DeleteProtectedError(EditError):
    """Other rows need this one, so it can't be deleted."""

    code = "delete-protected"


class DeleteCascadesError(EditError):
    """Other rows would go with this one. ``extra["cascades"]`` says how many of what; ask again with ``cascade``."""

    code = "delete-cascades"


class BatchRejectedError(EditError):
    """Some of an atomic batch was refused, so nothing was saved. ``extra["results"]`` holds the verdicts."""

    code = "batch-rejected"


class BulkDriftError(EditError):
    """The selection holds more or fewer rows than the client expected. ``extra["count"]`` holds how many."""

    code = "bulk-count-drift"


class BulkLimitError(EditError):
    """As many bulk changes of this user are under way as one user may have (``BULK_JOBS_PER_USER``)."""

    code = "bulk-limit-reached"


class BulkLostError(EditError):
    """The worker of a bulk change, or the message to it, is gone; nothing was changed. Ask for it again."""

    code = "bulk-lost"


class BulkCancelled(EditError):  # noqa: N818 - it is no fault
    """The owner of a bulk change stopped it; nothing was changed."""

    code = "bulk-cancelled"


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
