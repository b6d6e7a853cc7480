"""What is kept of plugins that are not installed any more."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import body_tag, tagged_response
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import CONFIGURE, INSTALL, require
from gridkit_django.api.serializers.remains import KeptDataList, PluginData, kept_data_list
from gridkit_django.plugins.kept_data import delete_kept, export_kept, list_kept


class KeptDataListView(GridKitView):
    """The plugins of which data is kept."""

    operations: ClassVar = {
        "GET": Operation(
            id="listKeptData",
            tag="plugins",
            summary="See of which uninstalled plugins data is kept",
            description=f"A later installation of the same id takes it over. Needs `{INSTALL}`.",
            responses={200: KeptDataList},
            problems=(403,),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer all of them, by id."""
        require(request.user, INSTALL)
        body = kept_data_list(list_kept())
        return tagged_response(request, body, body_tag(body))


class KeptDataView(GridKitView):
    """What is kept of one plugin."""

    operations: ClassVar = {
        "GET": Operation(
            id="exportKeptData",
            tag="plugins",
            summary="Take away what is kept of an uninstalled plugin",
            description=f"Secrets are masked, never exported. Needs `{INSTALL}` and `{CONFIGURE}`.",
            responses={200: PluginData},
            problems=(403, 404),
        ),
        "DELETE": Operation(
            id="deleteKeptData",
            tag="plugins",
            summary="Delete what is kept of an uninstalled plugin",
            description=f"Nothing brings it back. Needs `{INSTALL}`.",
            responses={204: None},
            problems=(403, 404),
        ),
    }
    throttle_scopes: ClassVar = {"GET": "marketplace", "DELETE": "marketplace"}

    def get(self, request: Request, plugin: str) -> Response:
        """Answer all of it, as a file."""
        require(request.user, INSTALL)
        require(request.user, CONFIGURE)
        headers = {"Content-Disposition": 'attachment; filename="plugin.json"', "Cache-Control": "no-store"}
        return Response(export_kept(plugin, request.user), headers=headers)

    def delete(self, request: Request, plugin: str) -> Response:
        """Delete it."""
        require(request.user, INSTALL)
        delete_kept(plugin, request.user)
        return Response(status=204)
