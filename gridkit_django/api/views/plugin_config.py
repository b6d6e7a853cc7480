"""The history of a plugin's configuration: revisions, differences, and going back."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation, query_parameter
from gridkit_django.api.parameters import grid_of, whole_number
from gridkit_django.api.permissions import CONFIGURE, visible_plugin
from gridkit_django.api.serializers.plugin_config import (
    REVISION_MAX,
    ConfigDifferenceList,
    ConfigRevisionList,
    RestoreConfigRequest,
    difference_list,
    revision_list,
)
from gridkit_django.api.views.plugin_acts import PluginActView, act_operation
from gridkit_django.api.views.plugins import describe_plugin
from gridkit_django.exceptions import ErrorItem, PluginConfigError
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import plugin_manager

_GRID = query_parameter("grid", "Id of the grid whose configuration is meant; left out for that for all grids.")


class ConfigRevisionsView(GridKitView):
    """The revisions of a plugin's configuration."""

    operations: ClassVar = {
        "GET": Operation(
            id="listConfigRevisions",
            tag="plugins",
            summary="List the revisions of a plugin's configuration, newest first",
            description="Each with its author and values; secrets are masked.",
            responses={200: ConfigRevisionList},
            parameters=(_GRID,),
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer the revisions of one scope."""
        row = visible_plugin(request.user, plugin)
        manager = plugin_manager()
        found = manager.list_config_revisions(row.plugin_id, grid_of(request))
        return Response(revision_list(found, manager.list_config_grids(row.plugin_id)))


class ConfigDiffView(GridKitView):
    """What changed between two revisions."""

    operations: ClassVar = {
        "GET": Operation(
            id="diffConfigRevisions",
            tag="plugins",
            summary="See what changed between two revisions of a plugin's configuration",
            description="By place, as JSON Pointers. Of a secret only that it changed.",
            responses={200: ConfigDifferenceList},
            parameters=(
                query_parameter("older", "Number of the older revision.", int),
                query_parameter("newer", "Number of the newer revision.", int),
                _GRID,
            ),
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer the differences."""
        row = visible_plugin(request.user, plugin)
        older, newer = (whole_number(request, name, high=REVISION_MAX) for name in ("older", "newer"))
        return Response(difference_list(plugin_manager().diff_config(row.plugin_id, older, newer, grid_of(request))))


class RestoreConfigView(PluginActView):
    """Puts an older revision in force again."""

    right = CONFIGURE
    shape = RestoreConfigRequest
    operations: ClassVar = {
        "POST": act_operation(
            "restoreConfigRevision",
            "Put an older revision of a plugin's configuration in force again",
            CONFIGURE,
            shape=RestoreConfigRequest,
            text="It is written as a new revision; one of an older configuration schema is migrated first.",
        )
    }

    def act(self, plugin: InstalledPlugin, body: RestoreConfigRequest, request: Request) -> None:
        """Restore it.

        Raises:
            PluginConfigError: when there is no such revision, or it does not fit any more; all about `revision`.
        """
        try:
            plugin_manager().restore_config(plugin.plugin_id, body.revision, grid=body.grid, user=request.user)
        except PluginConfigError as error:
            places = [
                replace(item, pointer="/revision", detail=f"{item.pointer}: {item.detail}") for item in error.errors
            ]
            errors = places or [ErrorItem("/revision", error.code, error.detail)]
            raise type(error)(error.detail, errors=errors) from error

    def answer(self, request: Request, plugin: InstalledPlugin, body: RestoreConfigRequest) -> Response:
        """Answer the plugin with the configuration of the same scope."""
        return Response(describe_plugin(request, plugin, body.grid))
