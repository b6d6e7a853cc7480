"""What a Prometheus server asks."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.utils.crypto import constant_time_compare
from drf_spectacular.types import OpenApiTypes
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from gridkit_django.api.base import GridKitView
from gridkit_django.api.exposition import HAS_PROMETHEUS, exposition
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import VIEW_PLUGIN, require
from gridkit_django.api.refusals import MetricsUnavailableError
from gridkit_django.api.renderers import CompactJSONRenderer
from gridkit_django.audit.health import trail_health
from gridkit_django.audit.sealing import sealed_aliases
from gridkit_django.conf import settings
from gridkit_django.exports import export_figures
from gridkit_django.plugins import plugin_manager

_BY_TOKEN = "metrics-token"  # noqa: S105 - a mark on the request, no secret


class MetricsTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer`` with ``METRICS_TOKEN``: a program that may read the metrics and nothing else."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        """Return nobody and the mark of the token; None when no bearer token was sent.

        Raises:
            AuthenticationFailed: when it is not the token of the settings.
        """
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = settings().METRICS_TOKEN
        if not token or not constant_time_compare(given.strip(), token):
            raise AuthenticationFailed("The bearer token is not that of METRICS_TOKEN.")
        return AnonymousUser(), _BY_TOKEN


class IsMonitorOrUser(BasePermission):
    """Lets the metrics token and everybody who logged in pass; the view asks for their right."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether somebody is known to ask."""
        return request.auth == _BY_TOKEN or request.user.is_authenticated


class MetricsRenderer(CompactJSONRenderer):
    """Names the media type of the metrics; only problem documents go through it."""

    media_type = "text/plain"


class MetricsView(GridKitView):
    """The figures of plugins, exports, audit trail and outbox over the whole site, whichever process answers."""

    permission_classes = (IsMonitorOrUser,)
    renderer_classes = (MetricsRenderer,)
    operations: ClassVar = {
        "GET": Operation(
            id="getMetrics",
            tag="plugins",
            summary="Read the metrics of plugins, exports, the audit trail and the outbox, for Prometheus",
            description=(
                "Prometheus' text format, or OpenMetrics when the client accepts it. Send `Authorization: Bearer` with "
                f"`METRICS_TOKEN`, or be a user with `{VIEW_PLUGIN}` for all plugins. Needs the extra `metrics`."
            ),
            responses={200: OpenApiTypes.STR},
            problems=(403, 501),
        )
    }

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return those of every view, and the token of the settings."""
        return [*super().get_authenticators(), MetricsTokenAuthentication()]

    def get(self, request: Request) -> HttpResponse:
        """Answer the figures of now.

        Raises:
            MetricsUnavailableError: when the library is not installed.
        """
        if request.auth != _BY_TOKEN:
            require(request.user, VIEW_PLUGIN)
        if not HAS_PROMETHEUS:
            raise MetricsUnavailableError
        trails = [trail_health(alias) for alias in sealed_aliases()]
        manager, accept = plugin_manager(), request.headers.get("Accept", "")
        text, media_type = exposition(
            manager.site_figures(), export_figures(), trails, manager.list_outbox_channels(), accept
        )
        return HttpResponse(text, content_type=media_type)
