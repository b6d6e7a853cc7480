"""Operations: changes to plugins that a worker carries out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import body_tag, tagged_response
from gridkit_django.api.operations import Operation, query_parameter, response_header
from gridkit_django.api.pagination import PAGE_PARAMETERS, JobPagination, page_response
from gridkit_django.api.parameters import choice
from gridkit_django.api.permissions import ACTIVATE, CONFIGURE, GRANT, INSTALL, require
from gridkit_django.api.serializers.bodies import EmptyBody
from gridkit_django.api.serializers.operations import (
    OperationAccepted,
    OperationPage,
    OperationState,
    RetryRequest,
    operation_body,
)
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import InstalledPlugin, OperationKind, PluginOperation
from gridkit_django.models import OperationState as States
from gridkit_django.plugins import cancel_operation, repeat_operation, switch_anyway
from gridkit_django.tasks.plugins import enqueue_operation

_RIGHTS: Mapping[str, str] = MappingProxyType(
    {
        OperationKind.INSTALL.value: INSTALL,
        OperationKind.UPDATE.value: INSTALL,
        OperationKind.ROLL_BACK.value: INSTALL,
        OperationKind.UNINSTALL.value: INSTALL,
        OperationKind.CONFIGURE.value: CONFIGURE,
        OperationKind.ACTIVATE.value: ACTIVATE,
        OperationKind.DEACTIVATE.value: ACTIVATE,
        OperationKind.RELOAD.value: ACTIVATE,
    }
)


class OperationListView(GridKitView):
    """The operations that the user asked for; all for those who may install plugins."""

    operations: ClassVar = {
        "GET": Operation(
            id="listOperations",
            tag="plugins",
            summary="List operations, the newest first",
            description=f"Your own; all of them with `{INSTALL}`.",
            responses={200: OperationPage},
            parameters=(
                query_parameter("plugin", "Only of this plugin."),
                query_parameter("state", f"Only in this state: {', '.join(States.values)}."),
                *PAGE_PARAMETERS,
            ),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer one page."""
        found = PluginOperation.objects.all()
        if not has_permission(request.user, INSTALL):
            found = found.filter(requested_by_id=request.user.pk)
        if plugin := request.query_params.get("plugin"):
            found = found.filter(plugin_id=plugin)
        if state := choice(request, "state", tuple(States.values)):
            found = found.filter(state=state)
        return page_response(JobPagination(), found, self, lambda rows: [operation_body(row, request) for row in rows])


class OperationView(GridKitView):
    """One operation, for whoever asked for it and for those who may install plugins."""

    operations: ClassVar = {
        "GET": Operation(
            id="getOperation",
            tag="plugins",
            summary="See how far an operation is",
            responses={200: OperationState},
            problems=(404,),
        )
    }

    def get(self, request: Request, operation: uuid.UUID) -> Response:
        """Answer the operation."""
        body = operation_body(_visible(request, operation), request)
        return tagged_response(request, body, body_tag(body))


class CancelView(GridKitView):
    """Stopping one operation."""

    operations: ClassVar = {
        "POST": Operation(
            id="cancelOperation",
            tag="plugins",
            summary="Stop an operation",
            description="One that waits is stopped at once; one that runs at its next chance, and what it has done is "
            "undone. One that has ended stays as it is.",
            request=EmptyBody,
            responses={200: OperationState},
            problems=(404,),
        )
    }

    def post(self, request: Request, operation: uuid.UUID) -> Response:
        """Ask it to stop, and answer the operation as it is then."""
        found = _visible(request, operation)
        self.read_body(request, EmptyBody)
        return Response(operation_body(cancel_operation(found.pk) or found, request))


class RetryView(GridKitView):
    """Doing once more what failed or was stopped."""

    operations: ClassVar = {
        "POST": Operation(
            id="retryOperation",
            tag="plugins",
            summary="Repeat an operation that failed or was stopped",
            description="As a new operation, with what the first was asked for. Needs the rights that the act itself "
            "needs, also to grant, configure and activate where it does these.",
            request=RetryRequest,
            responses={202: OperationAccepted},
            parameters=(response_header("Location", "Address of the operation.", 202),),
            problems=(403, 404, 409),
        )
    }
    throttle_scopes: ClassVar = {"POST": "marketplace"}

    def post(self, request: Request, operation: uuid.UUID) -> Response:
        """Judge the rights anew and queue it."""
        found = _visible(request, operation)
        wish = self.read_body(request, RetryRequest)
        rows = InstalledPlugin.objects.filter(plugin_id=found.plugin_id)
        # What comes along is new here, so it takes the rights on all plugins.
        row = None if found.arguments.get("peers") else rows.first()
        for right in _rights(found, wish):
            require(request.user, right, row)
        again = repeat_operation(found, config=wish.config, user=request.user)
        enqueue_operation(again.pk)
        body = operation_body(again, request)
        return Response({"operation": body}, status=202, headers={"Location": body["url"]})


def _rights(operation: PluginOperation, wish: RetryRequest) -> Iterator[str]:
    """Yield the rights that an operation takes."""
    given = operation.arguments
    yield _RIGHTS[operation.kind]
    unsaid = "all" if operation.kind == OperationKind.INSTALL else ()
    if given.get("grants", unsaid) or any(peer.get("grants") for peer in given.get("peers", ())):
        yield GRANT
    if operation.kind == OperationKind.INSTALL and given.get("activate", True):
        yield ACTIVATE
    if wish.config:
        yield CONFIGURE


class SwitchAnywayView(GridKitView):
    """Letting one operation switch without hosts that are not ready, or before the end of a trial."""

    operations: ClassVar = {
        "POST": Operation(
            id="switchAnyway",
            tag="plugins",
            summary="Let an operation switch although hosts do not have the files, or a trial lasts",
            description="Those hosts follow when they can. One that has ended stays as it is. "
            f"Needs `{INSTALL}`, for all plugins or for this one.",
            request=EmptyBody,
            responses={200: OperationState},
            problems=(403, 404),
        )
    }

    def post(self, request: Request, operation: uuid.UUID) -> Response:
        """Say so, and answer the operation as it is then."""
        found = _visible(request, operation)
        require(request.user, INSTALL, InstalledPlugin.objects.filter(plugin_id=found.plugin_id).first())
        self.read_body(request, EmptyBody)
        return Response(operation_body(switch_anyway(found.pk, user=request.user) or found, request))


def _visible(request: Request, operation: uuid.UUID) -> PluginOperation:
    """Return an operation that the user asked for, or any for those who may install plugins.

    Raises:
        NotFound: when there is none.
    """
    found = PluginOperation.objects.filter(pk=operation).first()
    mine = found is not None and found.requested_by_id == request.user.pk
    if found is None or not (mine or has_permission(request.user, INSTALL)):
        raise NotFound("There is no operation with this id among yours.")
    return found
