"""Rows for other grids, in their own words."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.serializers.dialects import DialectAnswer, DialectRequest
from gridkit_django.grids import open_grid
from gridkit_django.grids.dialects import DIALECTS, answer_in_dialect

_DIALECT = OpenApiParameter("dialect", str, OpenApiParameter.PATH, description="Which grid asks.", enum=list(DIALECTS))


class DialectView(GridKitView):
    """A window of rows for another grid."""

    throttle_scopes: ClassVar = {"POST": "rows"}
    operations: ClassVar = {
        "POST": Operation(
            id="queryRowsInDialect",
            tag="grids",
            summary="Read rows in the words of another grid",
            description=(
                "The request that AG Grid, TanStack Table, Tabulator, DataTables, DevExtreme or MUI X makes, answered "
                "in the form that it reads. What is not understood is refused with `dialect-not-understood`, never "
                "ignored. A column that you may not see answers exactly like one that does not exist."
            ),
            request=DialectRequest,
            parameters=(_DIALECT,),
            responses={200: DialectAnswer},
            problems=(404, 409),
        )
    }

    def post(self, request: Request, grid: str, dialect: str) -> Response:
        """Answer the request that the body holds."""
        access = open_grid(grid, request.user)
        return Response(answer_in_dialect(access, dialect, request.data))
