"""Changes of several rows, and taking changes back."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.repeats import IDEMPOTENCY_KEY, answered_once
from gridkit_django.api.serializers.edits import (
    BatchAnswer,
    BatchRequest,
    UndoAnswer,
    UndoRequest,
    batch_body,
    batch_items,
    undo_body,
)
from gridkit_django.exceptions import BatchRejectedError
from gridkit_django.grids import open_grid
from gridkit_django.grids.batch import apply_batch
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.undo import undo_change


class BatchView(GridKitView):
    """Changes of single rows in one request."""

    throttle_scopes: ClassVar = {"POST": "edits"}
    operations: ClassVar = {
        "POST": Operation(
            id="applyBatch",
            tag="grids",
            summary="Create, change and delete several rows",
            description=(
                "Each item has a verdict. With `atomic` (the default) a refused item keeps all others from being "
                "saved: 409 `batch-rejected`, with the verdicts under `results`."
            ),
            request=BatchRequest,
            responses={200: BatchAnswer},
            parameters=(IDEMPOTENCY_KEY,),
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, grid: str) -> Response:
        """Carry the batch out and answer a verdict for each item."""
        access = open_grid(grid, request.user)
        body = self.read_body(request, BatchRequest)
        query = None if body.query is None else GridQuery.from_dict(body.query)
        items = batch_items(body)

        def act() -> tuple[int, dict[str, Any]]:
            result = apply_batch(access, items, atomic=body.atomic, query=query, undoable=True)
            answer = batch_body(result)
            if not result.applied:
                raise BatchRejectedError(
                    "Some of the changes were refused, so none was saved; results says which and why.",
                    extra={"results": answer["results"]},
                )
            return 200, answer

        return answered_once(request, act)


class UndoView(GridKitView):
    """Taking a change back."""

    throttle_scopes: ClassVar = {"POST": "edits"}
    operations: ClassVar = {
        "POST": Operation(
            id="undoChange",
            tag="grids",
            summary="Take back an edit, a batch or a bulk change",
            description=(
                "For the person who made the change, once. Rows that have moved on since are named under `failed` and "
                "left alone. 409 `undo-not-possible`: nothing could be taken back, or the token is not valid."
            ),
            request=UndoRequest,
            responses={200: UndoAnswer},
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, grid: str) -> Response:
        """Take the change back."""
        access = open_grid(grid, request.user)
        body = self.read_body(request, UndoRequest)
        return Response(undo_body(undo_change(access, body.token)))
