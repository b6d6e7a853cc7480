"""Windows of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation, query_parameter
from gridkit_django.api.parsers import parse_json
from gridkit_django.api.serializers.rows import RowsAnswer, RowsRequest, page_body
from gridkit_django.grids import open_grid
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.overlays import with_view
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.schema import access_etag

_DESCRIPTION = (
    "Filter, sort, search, window and count. A column that you may not see answers exactly like one that does not "
    "exist. A cursor that belongs to another sort, filter or search answers 409 `cursor-mismatch`."
)


class RowsView(GridKitView):
    """A window of rows of a grid."""

    throttle_scopes: ClassVar = {"GET": "rows", "POST": "rows"}
    operations: ClassVar = {
        "POST": Operation(
            id="queryRows",
            tag="grids",
            summary="Read a window of rows",
            description=_DESCRIPTION,
            request=RowsRequest,
            responses={200: RowsAnswer},
            problems=(404, 409),
        ),
        "GET": Operation(
            id="queryRowsByLink",
            tag="grids",
            summary="Read a window of rows by a link",
            description=_DESCRIPTION,
            parameters=(query_parameter("q", "The body of the POST request, as JSON text."),),
            responses={200: RowsAnswer},
            problems=(404, 409),
        ),
    }

    def post(self, request: Request, grid: str) -> Response:
        """Answer the window that the body asks for."""
        return self._answer(request, grid, request.data)

    def get(self, request: Request, grid: str) -> Response:
        """Answer the window that ``q`` asks for; without it, the first."""
        return self._answer(request, grid, parse_json(request.query_params.get("q", "{}")))

    def _answer(self, request: Request, grid: str, question: Any) -> Response:
        access = open_grid(grid, request.user)
        question, fallen = with_view(access, question)
        page = fetch_rows(access, GridQuery.from_dict(question))
        page = replace(page, dropped=(*fallen, *page.dropped))
        tag = access_etag(access)
        meta = {"requestId": self.request_id, "schemaEtag": tag, "ms": self.elapsed_ms()}
        return Response({**page_body(page), "meta": meta})
