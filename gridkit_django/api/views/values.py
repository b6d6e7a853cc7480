"""The values of one column: counted under the other filters (facets), or to choose from (lookup)."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.serializers.rows import FacetAnswer, FacetRequest, LookupAnswer, LookupRequest
from gridkit_django.grids import open_grid
from gridkit_django.grids.answers import answer_facet
from gridkit_django.grids.facets import FacetQuery
from gridkit_django.grids.lookups import LookupQuery, fetch_options


class FacetView(GridKitView):
    """The distinct values of a column, with how many rows have them."""

    throttle_scopes: ClassVar = {"POST": "rows"}
    operations: ClassVar = {
        "POST": Operation(
            id="countValues",
            tag="grids",
            summary="Count the values of a column",
            description=(
                "Among the rows that you may see and that the filters on other columns leave. The value null stands "
                "for the rows without one. A column that you may not see answers exactly like one that does not exist."
            ),
            request=FacetRequest,
            responses={200: FacetAnswer},
            problems=(404, 409),
        )
    }

    def post(self, request: Request, grid: str, column: str) -> Response:
        """Answer the values that the body asks for."""
        access = open_grid(grid, request.user)
        return Response(answer_facet(access, column, FacetQuery.from_dict(request.data)).to_dict())


class LookupView(GridKitView):
    """The values that a cell of a column may be given."""

    throttle_scopes: ClassVar = {"POST": "rows"}
    operations: ClassVar = {
        "POST": Operation(
            id="listOptions",
            tag="grids",
            summary="List the values to choose from",
            description=(
                "Rows of the grid that the column names as its lookup, as far as you may see them; for other columns "
                "the choices of the field, or the values that occur in the rows that you may see."
            ),
            request=LookupRequest,
            responses={200: LookupAnswer},
            problems=(404, 409),
        )
    }

    def post(self, request: Request, grid: str, column: str) -> Response:
        """Answer the options that the body asks for."""
        access = open_grid(grid, request.user)
        return Response(fetch_options(access, column, LookupQuery.from_dict(request.data)).to_dict())
