"""What a browser says that a person did in a grid."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.serializers.events import EventsAnswer, EventsRequest
from gridkit_django.grids import open_grid
from gridkit_django.grids.interactions import report_interactions


class EventsView(GridKitView):
    """Interaction events of a browser."""

    throttle_scopes: ClassVar = {"POST": "events"}
    operations: ClassVar = {
        "POST": Operation(
            id="reportEvents",
            tag="events",
            summary="Report what a person did in a grid",
            description=(
                "Interactions only: facts such as `row:update` are the server's. Each event has its own verdict; a "
                "refused one keeps no other back. Actor, time and source are stamped by the server, and refused when "
                "they are sent. Columns, rows and views in payloads are judged as everywhere."
            ),
            request=EventsRequest,
            responses={200: EventsAnswer},
            problems=(404,),
        )
    }

    def post(self, request: Request, grid: str) -> Response:
        """Tell the events and answer a verdict for each."""
        access = open_grid(grid, request.user)
        return Response({"results": [verdict.to_dict() for verdict in report_interactions(access, request.data)]})
