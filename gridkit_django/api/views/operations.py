"""Operations: changes to plugins that a worker carries out."""

from __future__ import annotations

import uuid
from typing import ClassVar

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import INSTALL, require
from gridkit_django.api.serializers.bodies import EmptyBody
from gridkit_django.api.serializers.operations import OperationState, operation_body
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import InstalledPlugin, PluginOperation
from gridkit_django.plugins import cancel_operation, switch_anyway


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
        return Response(operation_body(_visible(request, operation), request))


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


class SwitchAnywayView(GridKitView):
    """Letting one operation switch without hosts that are not ready."""

    operations: ClassVar = {
        "POST": Operation(
            id="switchAnyway",
            tag="plugins",
            summary="Let an operation switch although hosts do not have the files",
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
