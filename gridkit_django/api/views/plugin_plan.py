"""Plans: which plugins run, and what a change would do; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import ACTIVATE, INSTALL, require, visible_plugin, visible_plugins
from gridkit_django.api.serializers.plugin_versions import PlanRequest, PluginPlan, plan_body
from gridkit_django.api.views.plugins import id_of
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import ChangeKind, Plan, PlanChange, plugin_manager
from gridkit_django.typing import User

_RIGHTS: Mapping[ChangeKind, str] = MappingProxyType(
    {
        ChangeKind.INSTALL: INSTALL,
        ChangeKind.UPDATE: INSTALL,
        ChangeKind.UNINSTALL: INSTALL,
        ChangeKind.ACTIVATE: ACTIVATE,
        ChangeKind.DEACTIVATE: ACTIVATE,
    }
)


class PluginPlanView(GridKitView):
    """Which plugins run, in which order, and why not the others; POST plans for a change that is not done yet."""

    operations: ClassVar = {
        "GET": Operation(
            id="getPluginPlan",
            tag="plugins",
            summary="See which plugins run, in which order, and why not the others",
            description="Plugins that you have no right on are left out.",
            responses={200: PluginPlan},
        ),
        "POST": Operation(
            id="planPluginChange",
            tag="plugins",
            summary="See what a change to a plugin would do",
            description="Nothing is changed. Needs the right that the change itself needs.",
            request=PlanRequest,
            responses={200: PluginPlan},
            problems=(403, 404, 409),
        ),
    }

    def get(self, request: Request) -> Response:
        """Answer the plan as it is."""
        return Response(_visible_part(plugin_manager().plan(), request.user))

    def post(self, request: Request) -> Response:
        """Answer the plan as it would be."""
        wish = self.read_body(request, PlanRequest)
        kind = ChangeKind(wish.kind)
        row = None if kind is ChangeKind.INSTALL else visible_plugin(request.user, wish.plugin)
        require(request.user, _RIGHTS[kind], row)
        plugin_id = id_of(wish.plugin) if row is None else row.plugin_id
        plan = plugin_manager().plan(PlanChange(kind, plugin_id))
        return Response(_visible_part(plan, request.user, plugin_id))


def _visible_part(plan: Plan, user: User, *more: str) -> dict[str, object]:
    visible = {row.plugin_id for row in visible_plugins(user, InstalledPlugin.objects.all())}
    return plan_body(plan, frozenset({*visible, *more}))
