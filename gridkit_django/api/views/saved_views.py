"""Saved views of a grid: list, save, open, change, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import tagged_response
from gridkit_django.api.etags import parse_condition
from gridkit_django.api.links import link
from gridkit_django.api.operations import Operation, header_parameter, response_header
from gridkit_django.api.serializers.saved_views import (
    ViewAnswer,
    ViewChangeBody,
    ViewChangeRequest,
    ViewCreateBody,
    ViewCreateRequest,
    ViewEntry,
    ViewGroup,
    ViewList,
)
from gridkit_django.api.views.grids import IF_NONE_MATCH
from gridkit_django.exceptions import VersionRequiredError
from gridkit_django.grids import GridAccess, open_grid
from gridkit_django.grids.views import (
    OpenedView,
    ViewDraft,
    change_view,
    default_view,
    delete_view,
    is_mine,
    list_views,
    load_view,
    save_view,
    sharing_groups,
    view_facts,
)
from gridkit_django.models import SavedView, ViewScope

_ETAG = response_header("ETag", "The view's version; differs by what you may see.", 200, 201)
_STATE_TEXT = "The state is judged as a rows request is: a column that you may not see is one that does not exist. "


class ViewListView(GridKitView):
    """The saved views of a grid."""

    throttle_scopes: ClassVar = {"POST": "views"}
    operations: ClassVar = {
        "GET": Operation(
            id="listViews",
            tag="views",
            summary="List the saved views you may see",
            description="Your own, those of your groups, and those that are shared with everybody.",
            responses={200: ViewList},
            problems=(404,),
        ),
        "POST": Operation(
            id="saveView",
            tag="views",
            summary="Save a new view",
            description=(
                f"{_STATE_TEXT}To share it with a group, be a member of it; to share it with everybody takes "
                "`gridkit_django.share_view`. 409 `event-rejected`: a plugin or the site vetoed it."
            ),
            request=ViewCreateRequest,
            responses={201: ViewAnswer},
            parameters=(_ETAG, response_header("Location", "Address of the view.", 201)),
            problems=(403, 404, 409),
        ),
    }

    def get(self, request: Request, grid: str) -> Response:
        """Answer all of them: a person has tens of views, not thousands."""
        access = open_grid(grid, request.user)
        views = list_views(access)
        first = default_view(access, views)
        results = [_entry(access, view, request) for view in views]
        groups = [{"id": group.pk, "name": group.name} for group in sharing_groups(access)]
        return Response({"results": results, "default": None if first is None else str(first.pk), "groups": groups})

    def post(self, request: Request, grid: str) -> Response:
        """Save the view and answer it."""
        access = open_grid(grid, request.user)
        body = self.read_body(request, ViewCreateBody)
        view = save_view(access, _draft(body))
        answer = _answer(request, access, view)
        return Response(answer, status=201, headers={"Location": answer["url"], "ETag": f'"{view.version}"'})


class ViewDetailView(GridKitView):
    """One saved view."""

    throttle_scopes: ClassVar = {"PATCH": "views", "DELETE": "views"}
    operations: ClassVar = {
        "GET": Operation(
            id="loadView",
            tag="views",
            summary="Open a saved view",
            description=(
                "What its state names and does not exist (any more) for you is left out; `dropped` says where it "
                "stood. Tells `view:load`."
            ),
            responses={200: ViewAnswer, 304: None},
            parameters=(IF_NONE_MATCH, _ETAG),
            problems=(404, 409),
        ),
        "PATCH": Operation(
            id="changeView",
            tag="views",
            summary="Change a view of yours",
            description=(
                f"{_STATE_TEXT}`If-Match` names the version that the change was made from. Without it: 428. When the "
                "view has been changed since: 412, with the `current` one."
            ),
            request=ViewChangeRequest,
            responses={200: ViewAnswer},
            parameters=(
                header_parameter("If-Match", "The version that the change was made from.", required=True),
                _ETAG,
            ),
            problems=(403, 404, 409, 412, 428),
        ),
        "DELETE": Operation(
            id="deleteView",
            tag="views",
            summary="Delete a view of yours",
            description="With `If-Match`, only in this version.",
            responses={204: None},
            parameters=(header_parameter("If-Match", "The version that is to be deleted."),),
            problems=(403, 404, 409, 412),
        ),
    }

    def get(self, request: Request, grid: str, view: Any) -> Response:
        """Answer the view, or 304."""
        access = open_grid(grid, request.user)
        opened = load_view(access, view)
        return tagged_response(request, _answer(request, access, opened), opened.version)

    def patch(self, request: Request, grid: str, view: Any) -> Response:
        """Change the view and answer it as it is now."""
        access = open_grid(grid, request.user)
        header = request.headers.get("If-Match", "")
        if not header.strip():
            raise VersionRequiredError("A change needs the header If-Match with the view's version. Read it first.")
        body = self.read_body(request, ViewChangeBody)
        changed = change_view(access, view, _draft(body), _agreement(header))
        return tagged_response(request, _answer(request, access, changed), changed.version)

    def delete(self, request: Request, grid: str, view: Any) -> Response:
        """Delete the view."""
        access = open_grid(grid, request.user)
        delete_view(access, view, _agreement(request.headers.get("If-Match", "")))
        return Response(status=204)


def _agreement(header: str) -> Callable[[str], bool]:
    """Return the condition that ``If-Match`` states (RFC 9110, 13.1.1); without one, any version will do.

    Raises:
        HeaderInvalidError: when the header is malformed.
    """
    if not header.strip():
        return lambda _version: True
    condition = parse_condition(header)
    return lambda version: condition.any or version in condition.strong


def _draft(body: ViewCreateBody | ViewChangeBody) -> ViewDraft:
    return ViewDraft(
        name=body.name,
        scope=None if body.scope is None else ViewScope(body.scope),
        group=body.group,
        is_default=body.is_default,
        state=body.state,
    )


def _entry(access: GridAccess, view: SavedView, request: Request) -> dict[str, Any]:
    group = view.group
    return ViewEntry(
        id=view.pk,
        name=view.name,
        scope=ViewScope(view.scope).value,
        group=None if group is None else ViewGroup(id=group.pk, name=group.name),
        is_default=view.is_default,
        owner=str(view.owner),
        mine=is_mine(access, view),
        created_at=view.created_at,
        changed_at=view.changed_at,
        url=_address(request, access, view.pk),
    ).to_wire()


def _answer(request: Request, access: GridAccess, view: OpenedView) -> dict[str, Any]:
    return {**view_facts(view), "url": _address(request, access, view.id)}


def _address(request: Request, access: GridAccess, view_id: Any) -> str:
    return link(request, "view", grid=access.grid_id, view=view_id)
