"""How the audit trail is, for programs that watch and people who look."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import require
from gridkit_django.api.serializers.audit_health import AuditHealthAnswer, AuditTrailHealth
from gridkit_django.audit.health import trail_health
from gridkit_django.audit.sealing import sealed_aliases
from gridkit_django.grids.audit_reading import VIEW_AUDIT
from gridkit_django.grids.rights import has_permission

_VIEW_DESTINATIONS = "gridkit_django.view_auditdestination"


class AuditHealthView(GridKitView):
    """The figures of the trail of each database; no record is read for them, so none is left."""

    operations: ClassVar = {
        "GET": Operation(
            id="getAuditHealth",
            tag="audit",
            summary="Read how the audit trail is",
            description=(
                "What waits for a seal or for a destination, what is missing, and when the trail was verified last. "
                f"Destinations are told to holders of `{_VIEW_DESTINATIONS}`."
            ),
            responses={200: AuditHealthAnswer},
            problems=(403,),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer the figures of now."""
        require(request.user, VIEW_AUDIT)
        may_see = has_permission(request.user, _VIEW_DESTINATIONS)
        trails = [AuditTrailHealth.of(trail_health(alias), with_destinations=may_see) for alias in sealed_aliases()]
        return Response(AuditHealthAnswer(trails=trails).to_wire())
