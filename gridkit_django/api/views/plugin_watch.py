"""Watching plugins: what they use, how they are, which processes run them, and what they ask for."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.links import link
from gridkit_django.api.operations import Operation, query_parameter
from gridkit_django.api.pagination import PAGE_PARAMETERS, NewestFirstPagination, page_response
from gridkit_django.api.parameters import whole_number
from gridkit_django.api.permissions import ACTIVATE, require, visible_plugin, visible_plugins
from gridkit_django.api.serializers.bodies import EmptyBody
from gridkit_django.api.serializers.plugin_watch import (
    PermissionRequestList,
    PluginConvergence,
    PluginHealthPage,
    PluginUsageReport,
    convergence_body,
    request_entry,
    usage_body,
)
from gridkit_django.api.serializers.plugins import PluginHealthReport, health_report
from gridkit_django.models import GrantDecision, HealthCheckResult, InstalledPlugin, PluginPermissionGrant
from gridkit_django.plugins import plugin_manager

_DAYS, _DAYS_MAX = 7, 366


class PluginUsageView(GridKitView):
    """What a plugin used on the whole site."""

    operations: ClassVar = {
        "GET": Operation(
            id="getPluginUsage",
            tag="plugins",
            summary="See what a plugin used on this site",
            description="By handler and by hour, added up over all processes.",
            responses={200: PluginUsageReport},
            parameters=(query_parameter("days", f"Of the last days: 1 to {_DAYS_MAX}, {_DAYS} when left out.", int),),
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer the report."""
        row = visible_plugin(request.user, plugin)
        days = whole_number(request, "days", default=_DAYS, high=_DAYS_MAX)
        return Response(usage_body(plugin_manager().usage_report(row.plugin_id, days)))


class PluginHealthView(GridKitView):
    """The history of a plugin's health checks; POST checks it now."""

    operations: ClassVar = {
        "GET": Operation(
            id="listPluginHealth",
            tag="plugins",
            summary="Read the health checks of a plugin, newest first",
            responses={200: PluginHealthPage},
            parameters=PAGE_PARAMETERS,
            problems=(404,),
        ),
        "POST": Operation(
            id="checkPluginHealth",
            tag="plugins",
            summary="Check the health of a plugin now",
            description=f"In the process that answers. Needs `{ACTIVATE}`, for all plugins or for this one.",
            request=EmptyBody,
            responses={200: PluginHealthReport},
            problems=(403, 404, 409),
        ),
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer one page."""
        results = HealthCheckResult.objects.filter(plugin=visible_plugin(request.user, plugin))
        return page_response(NewestFirstPagination(), results, self, self._entries)

    def post(self, request: Request, plugin: str) -> Response:
        """Check it, and answer what was stored."""
        row = visible_plugin(request.user, plugin)
        require(request.user, ACTIVATE, row)
        self.read_body(request, EmptyBody)
        plugin_manager().check_plugin_health(row.plugin_id)
        stored = HealthCheckResult.objects.filter(plugin=row).latest("pk")
        return Response(health_report(stored).to_wire())

    def _entries(self, results: list[HealthCheckResult]) -> list[dict[str, Any]]:
        return [health_report(result).to_wire() for result in results]


class PluginProcessesView(GridKitView):
    """Which processes run a plugin as it is wanted."""

    operations: ClassVar = {
        "GET": Operation(
            id="getPluginConvergence",
            tag="plugins",
            summary="See which processes run a plugin as it is wanted, and which do not yet",
            description="Web and Celery processes that reported themselves lately.",
            responses={200: PluginConvergence},
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer the processes."""
        row = visible_plugin(request.user, plugin)
        return Response(convergence_body(plugin_manager().convergence(row.plugin_id)))


class PermissionRequestsView(GridKitView):
    """The permissions that plugins asked for at run time."""

    operations: ClassVar = {
        "GET": Operation(
            id="listPermissionRequests",
            tag="plugins",
            summary="List the permissions that plugins asked for and nobody decided about",
            description="Of the plugins that you have any right on. Decide at `plugins/{id}/grants/`.",
            responses={200: PermissionRequestList},
        )
    }

    def get(self, request: Request) -> Response:
        """Answer all of them, oldest first."""
        visible = [row.pk for row in visible_plugins(request.user, InstalledPlugin.objects.all())]
        waiting = PluginPermissionGrant.objects.filter(plugin__in=visible, decision=GrantDecision.REQUESTED)
        found = waiting.select_related("plugin").order_by("decided_at", "pk")
        entries = [request_entry(item, link(request, "plugin-grants", plugin=item.plugin.plugin_id)) for item in found]
        return Response({"results": entries})
