"""Operations: changes to plugins that a worker carries out."""

from __future__ import annotations

import uuid
from typing import ClassVar

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import INSTALL
from gridkit_django.api.serializers.bodies import EmptyBody
from gridkit_django.api.serializers.operations import OperationState, operation_body
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import PluginOperation
from gridkit_django.plugins import cancel_operation


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
