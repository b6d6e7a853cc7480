"""What a plugin stores, what is set aside of it, and removing that."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import body_tag, tagged_response
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import INSTALL, require, visible_plugin
from gridkit_django.api.serializers.storage_copies import StorageBody, storage_body
from gridkit_django.plugins import plugin_manager


class StorageView(GridKitView):
    """The storage of one plugin, in figures."""

    operations: ClassVar = {
        "GET": Operation(
            id="getPluginStorage",
            tag="plugins",
            summary="See how much a plugin stores, and what is set aside of earlier versions of its storage",
            description="Figures only, never a value. Needs any right on the plugin.",
            responses={200: StorageBody},
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer it."""
        row = visible_plugin(request.user, plugin)
        body = storage_body(row.plugin_id, plugin_manager().look_at_storage(row.plugin_id))
        return tagged_response(request, body, body_tag(body))


class StorageCopyView(GridKitView):
    """What is set aside of one version of a plugin's storage."""

    operations: ClassVar = {
        "DELETE": Operation(
            id="removeStorageCopy",
            tag="plugins",
            summary="Delete what is set aside of one version of a plugin's storage",
            description=(
                "Versions of the plugin that follow it can't come back from then on, and nothing brings it back. "
                f"Needs `{INSTALL}`."
            ),
            responses={204: None},
            problems=(403, 404),
        )
    }
    throttle_scopes: ClassVar = {"DELETE": "marketplace"}

    def delete(self, request: Request, plugin: str, version: int) -> Response:
        """Delete it."""
        row = visible_plugin(request.user, plugin)
        require(request.user, INSTALL, row)
        plugin_manager().remove_storage_copy(row.plugin_id, version, user=request.user)
        return Response(status=204)
