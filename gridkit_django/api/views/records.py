"""Single rows: reading, and editing under the condition that nobody else has changed them."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import tagged_response
from gridkit_django.api.etags import EntityTag, TagCondition, parse_condition
from gridkit_django.api.operations import Operation, header_parameter, query_parameter, response_header
from gridkit_django.api.parameters import switch
from gridkit_django.api.repeats import IDEMPOTENCY_KEY, answered_once
from gridkit_django.api.serializers.edits import (
    CreateRequest,
    DeleteAnswer,
    EditAnswer,
    EditRequest,
    edit_body,
)
from gridkit_django.api.serializers.rows import RecordAnswer
from gridkit_django.api.views.grids import IF_NONE_MATCH
from gridkit_django.events import REASON_HEADER, explaining
from gridkit_django.exceptions import VersionRequiredError
from gridkit_django.grids import GridAccess, open_grid
from gridkit_django.grids.creation import create_row
from gridkit_django.grids.deletion import delete_row
from gridkit_django.grids.editing import apply_edit
from gridkit_django.grids.looks import note_row
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.records import get_record

_ETAG = response_header("ETag", "The row's version.", 200)


class RecordsView(GridKitView):
    """All rows of a grid, to which new ones may be added."""

    throttle_scopes: ClassVar = {"POST": "edits"}
    operations: ClassVar = {
        "POST": Operation(
            id="createRecord",
            tag="grids",
            summary="Make a new row",
            description=(
                "For grids with `creatable`. Editable columns may be given. 422 points to values that do not fit, and "
                "to those that are missing. 409 `event-rejected`: a plugin or the site vetoed it."
            ),
            request=CreateRequest,
            responses={201: EditAnswer},
            parameters=(IDEMPOTENCY_KEY, response_header("ETag", "The row's version.", 201)),
            problems=(403, 404, 409),
        ),
    }

    def post(self, request: Request, grid: str) -> Response:
        """Make the row and answer it as it is now."""
        access = open_grid(grid, request.user)
        body = self.read_body(request, CreateRequest)
        query = GridQuery.from_member(body.query)

        def act() -> tuple[int, dict[str, Any]]:
            return 201, edit_body(create_row(access, body.values, query, undoable=True))

        with explaining(body.reason):
            response = answered_once(request, act)
        response["ETag"] = str(EntityTag(response.data["row"]["v"]))
        return response


class RecordView(GridKitView):
    """One row of a grid."""

    throttle_scopes: ClassVar = {"GET": "rows", "PATCH": "edits", "DELETE": "edits"}
    operations: ClassVar = {
        "GET": Operation(
            id="getRecord",
            tag="grids",
            summary="Read one row",
            responses={200: RecordAnswer, 304: None},
            parameters=(IF_NONE_MATCH, _ETAG),
            problems=(404,),
        ),
        "PATCH": Operation(
            id="editRecord",
            tag="grids",
            summary="Change values of one row",
            description=(
                "`If-Match` names the version that the edit was made from: the row's `v`, or the ETag. "
                "Without it: 428. "
                "When somebody has changed one of the same columns since: 412, with the `current` row, `yours` (the "
                "values you sent) and `columns`, in which both differ. Changes of other columns are kept beside yours. "
                "409 `event-rejected`: a plugin or the site vetoed the edit."
            ),
            request=EditRequest,
            responses={200: EditAnswer},
            parameters=(header_parameter("If-Match", "The version that the edit was made from.", required=True), _ETAG),
            problems=(403, 404, 409, 412, 428),
        ),
        "DELETE": Operation(
            id="deleteRecord",
            tag="grids",
            summary="Delete one row",
            description=(
                "For grids with `deletable`. `If-Match` names the version that you saw; when any visible value has "
                "changed since: 412. 409 `delete-cascades` says what else would be deleted (`cascades`): ask again "
                "with `?cascade=true`. 409 `delete-protected`: other rows need this one."
            ),
            responses={200: DeleteAnswer},
            parameters=(
                header_parameter("If-Match", "The version of the row that you saw.", required=True),
                header_parameter(REASON_HEADER, "Why, for the audit trail; letters beyond ASCII percent-encoded."),
                query_parameter("cascade", "`true`: rows that depend on it may be deleted too.", bool),
            ),
            problems=(403, 404, 409, 412, 428),
        ),
    }

    def get(self, request: Request, grid: str, record: str) -> Response:
        """Answer the row, or 304."""
        access = open_grid(grid, request.user)
        row = get_record(access, record)
        note_row(access, row)
        return tagged_response(request, {"row": row.to_dict()}, row.version)

    def patch(self, request: Request, grid: str, record: str) -> Response:
        """Change the row and answer it as it is now."""
        access = open_grid(grid, request.user)
        version = _expected_version(access, record, request.headers.get("If-Match", ""))
        edit = self.read_body(request, EditRequest)
        query = GridQuery.from_member(edit.query)
        with explaining(edit.reason):
            result = apply_edit(access, record, edit.changes, version, query, undoable=True)
        return tagged_response(request, edit_body(result), result.row.version)

    def delete(self, request: Request, grid: str, record: str) -> Response:
        """Delete the row."""
        access = open_grid(grid, request.user)
        version = _expected_version(access, record, request.headers.get("If-Match", ""))
        result = delete_row(access, record, version, cascade=switch(request, "cascade"), undoable=True)
        return Response({"id": result.id, "undo": result.undo})


def _expected_version(access: GridAccess, record: str, header: str) -> str:
    """Return the version that the row must have for the edit to go on (RFC 9110, 13.1.1).

    Raises:
        VersionRequiredError: without ``If-Match`` (RFC 6585, 3).
        HeaderInvalidError: when the header is malformed.
        RecordNotFoundError: when there is no such row for the user.
    """
    if not header.strip():
        raise VersionRequiredError("An edit needs the header If-Match with the row's version. Read the row first.")
    condition = parse_condition(header)
    if not condition.any and len(condition.tags) == 1:
        return _strong_or_stale(condition)
    current = get_record(access, record).version
    return current if condition.any or current in condition.strong else _strong_or_stale(condition)


def _strong_or_stale(condition: TagCondition) -> str:
    """Return the first strong tag's text; a weak tag keeps its mark, so that it matches no version."""
    return next(iter(condition.strong), str(condition.tags[0]))
