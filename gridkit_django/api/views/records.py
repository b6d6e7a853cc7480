"""Single rows: reading, and editing under the condition that nobody else has changed them."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import tagged_response
from gridkit_django.api.etags import TagCondition, parse_condition
from gridkit_django.api.operations import Operation, header_parameter, response_header
from gridkit_django.api.serializers.rows import EditAnswer, EditRequest, RecordAnswer
from gridkit_django.api.views.grids import IF_NONE_MATCH
from gridkit_django.exceptions import VersionRequiredError
from gridkit_django.grids import GridAccess, open_grid
from gridkit_django.grids.editing import apply_edit
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.records import get_record

_ETAG = response_header("ETag", "The row's version.", 200)


class RecordView(GridKitView):
    """One row of a grid."""

    throttle_scopes: ClassVar = {"GET": "rows", "PATCH": "edits"}
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
                "When the row has moved on: 412, with the `current` row and `yours`, the values you sent. "
                "409 `event-rejected`: a plugin or the site vetoed the edit."
            ),
            request=EditRequest,
            responses={200: EditAnswer},
            parameters=(header_parameter("If-Match", "The version that the edit was made from.", required=True), _ETAG),
            problems=(403, 404, 409, 412, 428),
        ),
    }

    def get(self, request: Request, grid: str, record: str) -> Response:
        """Answer the row, or 304."""
        row = get_record(open_grid(grid, request.user), record)
        return tagged_response(request, {"row": row.to_dict()}, row.version)

    def patch(self, request: Request, grid: str, record: str) -> Response:
        """Change the row and answer it as it is now."""
        access = open_grid(grid, request.user)
        version = _expected_version(access, record, request.headers.get("If-Match", ""))
        edit = self.read_body(request, EditRequest)
        query = None if edit.query is None else GridQuery.from_dict(edit.query)
        result = apply_edit(access, record, edit.changes, version, query)
        body = {"row": result.row.to_dict(), "changed": result.changed, "matchesFilter": result.matches_filter}
        return tagged_response(request, body, result.row.version)


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
