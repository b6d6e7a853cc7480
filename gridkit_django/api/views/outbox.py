"""How the outbox is, for programs that watch."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.serializers.outbox import OutboxAnswer, OutboxChannelBody
from gridkit_django.grids.rights import has_permission
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import plugin_manager
from gridkit_django.typing import User

VIEW_CHANNELS = "gridkit_django.view_outboxchannel"
_OF_PLUGIN = ("gridkit_django.view_outbox", "gridkit_django.manage_outbox")


class OutboxView(GridKitView):
    """The channels of the plugins whose outbox the user looks after; no message is told."""

    operations: ClassVar = {
        "GET": Operation(
            id="getOutbox",
            tag="plugins",
            summary="Read how full the channels of the outbox are, and why they wait",
            description=(
                f"All channels for holders of `{VIEW_CHANNELS}`, else those of the plugins on which the user has "
                "`view_outbox` or `manage_outbox`; an empty list for everybody else."
            ),
            responses={200: OutboxAnswer},
        )
    }

    def get(self, request: Request) -> Response:
        """Answer the channels of now."""
        found = plugin_manager().list_outbox_channels()
        if not has_permission(request.user, VIEW_CHANNELS):
            plugins = {info.row.plugin_id: info.row.plugin for info in found}
            mine = {pk for pk, plugin in plugins.items() if _looks_after(request.user, plugin)}
            found = tuple(info for info in found if info.row.plugin_id in mine)
        return Response(OutboxAnswer(channels=[OutboxChannelBody.of(info) for info in found]).to_wire())


def _looks_after(user: User, plugin: InstalledPlugin) -> bool:
    return any(has_permission(user, right) or has_permission(user, right, plugin) for right in _OF_PLUGIN)
