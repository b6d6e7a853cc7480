"""Changes of several rows, and taking changes back."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation, response_header
from gridkit_django.api.repeats import IDEMPOTENCY_KEY, answered_once
from gridkit_django.api.serializers.edits import (
    BatchAnswer,
    BatchRequest,
    BulkRequest,
    UndoAnswer,
    UndoRequest,
    batch_body,
    batch_items,
    bulk_change,
    undo_body,
)
from gridkit_django.api.serializers.jobs import BulkOutcome, JobAccepted, bulk_job_body
from gridkit_django.conf import settings
from gridkit_django.events import explaining
from gridkit_django.exceptions import BatchRejectedError
from gridkit_django.grids import open_grid
from gridkit_django.grids.batch import apply_batch
from gridkit_django.grids.bulk import carry_out_bulk, check_bulk
from gridkit_django.grids.bulk_jobs import create_bulk_job
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
        query = GridQuery.from_member(body.query)
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

        with explaining(body.reason):
            return answered_once(request, act)


class BulkView(GridKitView):
    """One change of many rows."""

    throttle_scopes: ClassVar = {"POST": "edits"}
    operations: ClassVar = {
        "POST": Operation(
            id="applyBulk",
            tag="grids",
            summary="Change or delete all rows of a selection",
            description=(
                "All of them or none. 409 `bulk-count-drift`: the selection holds another number of rows than "
                "`expectedCount`; `count` says how many. Up to `BULK_ROWS_INLINE` rows are changed at once (200); more "
                "are a job (202), to be seen and stopped at `Location`. 409 `bulk-limit-reached`: as many of your jobs "
                "are under way as one user may have."
            ),
            request=BulkRequest,
            responses={200: BulkOutcome, 202: JobAccepted},
            parameters=(IDEMPOTENCY_KEY, response_header("Location", "Address of the job.", 202)),
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, grid: str) -> Response:
        """Change the rows, or hand them to a worker."""
        access = open_grid(grid, request.user)
        body = self.read_body(request, BulkRequest)
        change = bulk_change(body)

        def act() -> tuple[int, dict[str, Any]]:
            check_bulk(access, change)
            if change.expected <= settings().BULK_ROWS_INLINE:
                return 200, carry_out_bulk(access, change).to_dict()
            return 202, {"job": bulk_job_body(create_bulk_job(access, change), request)}

        with explaining(body.reason):
            response = answered_once(request, act)
        if response.status_code == 202:
            response["Location"] = response.data["job"]["url"]
        return response


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
        with explaining(body.reason):
            return Response(undo_body(undo_change(access, body.token)))
