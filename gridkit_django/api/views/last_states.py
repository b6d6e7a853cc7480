"""The state in which a user left a grid."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.serializers.saved_views import StateAnswer, StateFields, StateRequest
from gridkit_django.grids import open_grid
from gridkit_django.grids.last_state import LastState, keep_last_state, last_state


class LastStateView(GridKitView):
    """The state in which the user left the grid."""

    throttle_scopes: ClassVar = {"PUT": "states"}
    operations: ClassVar = {
        "GET": Operation(
            id="getState",
            tag="views",
            summary="Read the state you left a grid in",
            description="What does not exist (any more) for you is left out; `dropped` says where it stood.",
            responses={200: StateAnswer},
            problems=(404,),
        ),
        "PUT": Operation(
            id="keepState",
            tag="views",
            summary="Keep the state you leave a grid in",
            description="The last one stays. It is judged as a rows request is.",
            request=StateRequest,
            responses={200: StateAnswer},
            problems=(404,),
        ),
    }

    def get(self, request: Request, grid: str) -> Response:
        """Answer the state; null when there is none."""
        return Response(_body(last_state(open_grid(grid, request.user))))

    def put(self, request: Request, grid: str) -> Response:
        """Keep the state and answer it."""
        access = open_grid(grid, request.user)
        body = self.read_body(request, StateFields)
        return Response(_body(keep_last_state(access, body.state)))


def _body(last: LastState | None) -> dict[str, Any]:
    if last is None:
        return StateAnswer(state=None, changed_at=None, dropped=[]).to_wire()
    opened = last.opened
    return {
        **StateAnswer(state=None, changed_at=last.changed_at, dropped=list(opened.dropped)).to_wire(),
        "state": opened.state.to_dict(),
    }
