"""Which grids there are, and what a front end must know about one."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import tagged_response
from gridkit_django.api.links import link
from gridkit_django.api.operations import Operation, header_parameter, response_header
from gridkit_django.api.serializers.grids import GridEntry, GridList, GridPermissions, GridSchema
from gridkit_django.grids import GridAccess, open_grid, open_grids
from gridkit_django.grids.schema import grid_schema, schema_etag

IF_NONE_MATCH = header_parameter("If-None-Match", "Entity tags that the client has; 304 when one is current.")


class GridListView(GridKitView):
    """The grids that the user may open."""

    operations: ClassVar = {
        "GET": Operation(id="listGrids", tag="grids", summary="List the grids you may open", responses={200: GridList})
    }

    def get(self, request: Request) -> Response:
        """Answer all of them: a site has tens of grids, not thousands."""
        return Response({"results": [_entry(access, request) for access in open_grids(request.user)]})


class GridDetailView(GridKitView):
    """One grid of the list."""

    operations: ClassVar = {
        "GET": Operation(
            id="getGrid", tag="grids", summary="Read one grid's entry", responses={200: GridEntry}, problems=(404,)
        )
    }

    def get(self, request: Request, grid: str) -> Response:
        """Answer the entry."""
        return Response(_entry(open_grid(grid, request.user), request))


class GridSchemaView(GridKitView):
    """The schema of a grid, as this user may see it."""

    operations: ClassVar = {
        "GET": Operation(
            id="getGridSchema",
            tag="grids",
            summary="Read a grid's schema",
            description="Columns, limits, permissions, methods and default state, as far as they exist for you.",
            responses={200: GridSchema, 304: None},
            parameters=(IF_NONE_MATCH, response_header("ETag", "Strong; differs by what you may see.", 200, 304)),
            problems=(404,),
        )
    }

    def get(self, request: Request, grid: str) -> Response:
        """Answer the schema, or 304."""
        schema = grid_schema(open_grid(grid, request.user))
        return tagged_response(request, schema, schema_etag(schema))


def _entry(access: GridAccess, request: Request) -> dict[str, Any]:
    return GridEntry(
        id=access.grid_id,
        label=str(access.options.label),
        url=link(request, "grid-entry", grid=access.grid_id),
        permissions=GridPermissions(
            edit=access.can_edit, create=access.can_create, delete=access.can_delete, export=access.can_export
        ),
    ).to_wire()
