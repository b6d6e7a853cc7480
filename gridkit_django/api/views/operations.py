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
from gridkit_django.api.serializers.operations import OperationState, operation_body
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import PluginOperation


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
        found = PluginOperation.objects.filter(pk=operation).first()
        mine = found is not None and found.requested_by_id == request.user.pk
        if found is None or not (mine or has_permission(request.user, INSTALL)):
            raise NotFound("There is no operation with this id among yours.")
        return Response(operation_body(found, request))
