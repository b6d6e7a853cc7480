"""Edits on the wire: single rows, batches, bulk changes and undoing."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from gridkit_django.api.problems import problem_of
from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.api.serializers.rows import Row
from gridkit_django.events import REASON_LENGTH_MAX
from gridkit_django.grids.batch import BatchItem, BatchResult, Verdict
from gridkit_django.grids.bulk import BulkChange
from gridkit_django.grids.editing import EditResult
from gridkit_django.grids.selection import Selection
from gridkit_django.grids.undo import UndoResult

Reason: TypeAlias = Annotated[str, Field(max_length=REASON_LENGTH_MAX)]
"""Why something is done, in the words of the one who does it."""


class EditRequest(RequestBody):
    """New values for some columns of one row."""

    changes: dict[str, Any] = Field(min_length=1)
    """Column id to value."""
    query: dict[str, Any] | None = None
    """What the user looks at (the shape of a rows request), to learn whether the row still belongs there."""
    reason: Reason = ""
    """Why, for the audit trail; grids with `auditReason` `required` refuse a change without it."""


class EditAnswer(ResponseBody):
    """The row after an edit."""

    row: Row
    changed: list[str]
    """Columns whose values differ now, among them those that the site changed on its own."""
    matches_filter: bool | None
    """Whether the row still belongs to the filter it was shown under; null when that is not known."""
    moved: bool | None
    """Whether a value by which the rows are sorted is another now; null when that is not known."""
    undo: str | None
    """Post it to `undo/` to take the edit back; null when that can't be done."""


class CreateRequest(RequestBody):
    """Values of a new row."""

    values: dict[str, Any]
    """Column id to value; what is left out has its default."""
    query: dict[str, Any] | None = None
    """What the user looks at (the shape of a rows request), to learn whether the row belongs there."""
    reason: Reason = ""
    """Why, for the audit trail; grids with `auditReason` `required` refuse a change without it."""


class DeleteAnswer(ResponseBody):
    """The row is no more."""

    id: str | int
    undo: str | None
    """Post it to `undo/` to bring the row back; null when that can't be done."""


class BatchEntry(RequestBody):
    """One change: `create` takes `values`, `update` takes `id`, `v` and `changes`, `delete` takes `id` and `v`."""

    op: Literal["create", "update", "delete"]
    id: str | int | None = None
    v: str | None = None
    """The version that the change was made from."""
    changes: dict[str, Any] | None = None
    """Column id to value."""
    values: dict[str, Any] | None = None
    """Column id to value; what is left out has its default."""
    temp_id: str | int | None = None
    """What the client calls a new row until it has a key; comes back with its verdict."""
    cascade: bool = False
    """Whether rows that depend on a deleted one may go along."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        needed = _NEEDED[self.op]
        missing = sorted(name for name in needed if getattr(self, name) is None)
        if missing:
            raise ValueError(f"The op {self.op} needs {', '.join(missing)}")
        extra = sorted(name for name in ("id", "v", "changes", "values") if name not in needed and self._has(name))
        if self.temp_id is not None and self.op != "create":
            extra.append("tempId")
        if self.cascade and self.op != "delete":
            extra.append("cascade")
        if extra:
            raise ValueError(f"The op {self.op} takes no {', '.join(extra)}")
        return self

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None


_NEEDED = {"create": ("values",), "update": ("id", "v", "changes"), "delete": ("id", "v")}


class BatchRequest(RequestBody):
    """Changes of single rows."""

    items: list[BatchEntry] = Field(min_length=1)
    atomic: bool = True
    """Whether all of them or none are carried out; else each stands for itself."""
    query: dict[str, Any] | None = None
    """What the user looks at (the shape of a rows request), to learn whether the rows still belong there."""
    reason: Reason = ""
    """Why, for the audit trail; grids with `auditReason` `required` refuse a change without it."""


class ItemProblem(ResponseBody):
    """Why a change was refused."""

    status: int
    code: str
    detail: str
    errors: list[dict[str, Any]]
    """Each with `pointer` (into the body of the batch), `code` and `detail`."""
    current: Row | None = None
    """The row as it is now, when it has moved on."""


class BatchVerdict(ResponseBody):
    """What became of one change."""

    op: Literal["create", "update", "delete"]
    ok: bool
    id: str | int | None
    temp_id: str | int | None
    row: Row | None
    changed: list[str]
    matches_filter: bool | None
    moved: bool | None
    problem: ItemProblem | None


class BatchAnswer(ResponseBody):
    """What became of a batch."""

    results: list[BatchVerdict]
    """One for each item, in their order."""
    undo: str | None
    """Post it to `undo/` to take all of it back; null when that can't be done."""


class BulkSelection(RequestBody):
    """Which rows: those that match, and some more, and not some others."""

    query: dict[str, Any] | None = None
    """`filter`, `search`, `tz`, `group`, `path` of a rows request; `{}` for all rows, null for none but `include`."""
    include: list[str | int] = Field(default_factory=list)
    exclude: list[str | int] = Field(default_factory=list)


class BulkRequest(RequestBody):
    """One change of many rows."""

    action: Literal["update", "delete"]
    selection: BulkSelection
    expected_count: int = Field(ge=0)
    """How many rows you believe them to be; when they are not, nothing is done."""
    changes: dict[str, Any] | None = None
    """Column id to value, for `update`."""
    cascade: bool = False
    """Whether rows that depend on deleted ones may go along."""
    reason: Reason = ""
    """Why, for the audit trail; grids with `auditReason` `required` refuse a change without it."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if (self.action == "update") is (self.changes is None):
            raise ValueError("update needs changes, and delete takes none")
        if self.cascade and self.action != "delete":
            raise ValueError("update takes no cascade")
        return self


class UndoRequest(RequestBody):
    """A change to take back."""

    token: str = Field(max_length=4000)
    """The `undo` that the change was answered with."""
    reason: Reason = ""
    """Why, for the audit trail; grids with `auditReason` `required` refuse a change without it."""


class UndoneRow(ResponseBody):
    """A row that was put back."""

    op: Literal["create", "update", "delete"]
    """What undoing it was."""
    id: str | int
    row: Row | None
    changed: list[str]


class NotUndoneRow(ResponseBody):
    """A row that could not be put back."""

    id: str
    code: str
    detail: str


class UndoAnswer(ResponseBody):
    """What became of an undo."""

    rows: list[UndoneRow]
    failed: list[NotUndoneRow]
    undo: str | None
    """Post it to `undo/` to do the change again; null when that can't be done."""


def edit_body(result: EditResult) -> dict[str, Any]:
    """Return the answer to an edit or a creation."""
    return {
        "row": result.row.to_dict(),
        "changed": list(result.changed),
        "matchesFilter": result.matches_filter,
        "moved": result.moved,
        "undo": result.undo,
    }


def batch_items(body: BatchRequest) -> list[BatchItem]:
    """Return the changes of a batch as the services take them."""
    return [
        BatchItem(
            op=item.op,
            pk=item.id,
            version=item.v or "",
            values=item.values if item.op == "create" else item.changes,
            temp_id=item.temp_id,
            cascade=item.cascade,
        )
        for item in body.items
    ]


def batch_body(result: BatchResult) -> dict[str, Any]:
    """Return the answer to a batch."""
    return {"results": [_verdict(verdict) for verdict in result.verdicts], "undo": result.undo}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    item, outcome = verdict.item, verdict.outcome
    row = outcome.row if outcome is not None else None
    return {
        "op": item.op,
        "ok": verdict.error is None,
        "id": item.pk if outcome is None else outcome.id,
        "tempId": item.temp_id,
        "row": None if row is None else row.to_dict(),
        "changed": [] if outcome is None else list(outcome.changed),
        "matchesFilter": verdict.place.matches,
        "moved": verdict.place.moved,
        "problem": None if verdict.error is None else _problem(verdict.error),
    }


def _problem(error: Exception) -> dict[str, Any]:
    problem = problem_of(error)
    return {
        **problem.extra,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "errors": [{"pointer": item.pointer, "code": item.code, "detail": item.detail} for item in problem.errors],
    }


def bulk_change(body: BulkRequest) -> BulkChange:
    """Return a bulk change as the services take it.

    Raises:
        QueryError: when its selection is not understood.
    """
    raw = {"query": body.selection.query, "include": body.selection.include, "exclude": body.selection.exclude}
    selection = Selection.from_dict(raw)
    return BulkChange(body.action, selection, body.expected_count, body.changes or {}, body.cascade)


def undo_body(result: UndoResult) -> dict[str, Any]:
    """Return the answer to an undo."""
    return {
        "rows": [
            {
                "op": outcome.op,
                "id": outcome.id,
                "row": None if outcome.row is None else outcome.row.to_dict(),
                "changed": list(outcome.changed),
            }
            for outcome in result.outcomes
        ],
        "failed": [{"id": item.key, "code": item.error.code, "detail": item.error.detail} for item in result.failed],
        "undo": result.undo,
    }
