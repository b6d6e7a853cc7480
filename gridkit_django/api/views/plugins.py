"""Which plugins are installed, which could be, and installing one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.filters import PLUGIN_PARAMETERS, InstalledPluginFilter, filtered
from gridkit_django.api.links import link
from gridkit_django.api.operations import Operation, query_parameter, response_header
from gridkit_django.api.parameters import grid_of
from gridkit_django.api.permissions import (
    ACTIVATE,
    CONFIGURE,
    GRANT,
    INSTALL,
    require,
    visible_plugin,
    visible_plugins,
)
from gridkit_django.api.plugin_search import SEARCH_PARAMETERS, search_available
from gridkit_django.api.serializers.operations import OperationAccepted, operation_body
from gridkit_django.api.serializers.plugins import (
    AvailableList,
    InstallRequest,
    PluginDetail,
    PluginList,
    available_entry,
    plugin_detail,
    plugin_entry,
    plugin_process,
)
from gridkit_django.conf import settings
from gridkit_django.exceptions import PluginNotFoundError
from gridkit_django.models import (
    HealthCheckResult,
    InstalledPlugin,
    OperationKind,
    PluginOperation,
    RuntimeGeneration,
    RuntimeProcess,
)
from gridkit_django.plugins import plugin_manager, request_operation
from gridkit_django.tasks.plugins import enqueue_operation
from gridkit_django.typing import User


class PluginListView(GridKitView):
    """The installed plugins; POST installs one more."""

    operations: ClassVar = {
        "GET": Operation(
            id="listPlugins",
            tag="plugins",
            summary="List the installed plugins",
            description="Those that you have any right on: to see, install, activate, configure or grant.",
            responses={200: PluginList},
            parameters=PLUGIN_PARAMETERS,
        ),
        "POST": Operation(
            id="installPlugin",
            tag="plugins",
            summary="Install a plugin",
            description=(
                "A worker does it: 202 with an operation to follow at `Location`. "
                "Needs `gridkit_django.install_plugin`; "
                "a configuration, grants and activation need their own rights as well."
            ),
            request=InstallRequest,
            responses={202: OperationAccepted},
            parameters=(response_header("Location", "Address of the operation.", 202),),
            problems=(403, 404, 409),
        ),
    }

    def get(self, request: Request) -> Response:
        """Answer all of them."""
        rows = filtered(InstalledPluginFilter, request, InstalledPlugin.objects.all())
        names = {row.plugin_id for row in visible_plugins(request.user, rows)}
        shown = [plugin for plugin in plugin_manager().list_plugins() if plugin.id in names]
        return Response({"results": [plugin_entry(plugin, _url(request, plugin.id)) for plugin in shown]})

    def post(self, request: Request) -> Response:
        """Queue the installation."""
        require(request.user, INSTALL)
        wish = self.read_body(request, InstallRequest)
        _require_rights_of(wish, request.user)
        operation = _request_install(wish, request.user)
        body = operation_body(operation, request)
        return Response({"operation": body}, status=202, headers={"Location": body["url"]})


class PluginView(GridKitView):
    """One installed plugin."""

    operations: ClassVar = {
        "GET": Operation(
            id="getPlugin",
            tag="plugins",
            summary="Read an installed plugin",
            description="State and reason, permissions, configuration (secrets masked), health, and who runs it.",
            responses={200: PluginDetail},
            parameters=(query_parameter("grid", "Show the configuration of this grid instead of that for all grids."),),
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer everything about it."""
        row = visible_plugin(request.user, plugin)
        return Response(describe_plugin(request, row, grid_of(request)))


class AvailablePluginsView(GridKitView):
    """What could be installed; broken sources come with their reason."""

    operations: ClassVar = {
        "GET": Operation(
            id="listAvailablePlugins",
            tag="plugins",
            summary="List the plugins that this site can reach, or search among them",
            description=(
                "No code of a plugin runs for this list. Without a parameter the broken sources are in it, with their "
                "reason. Needs `gridkit_django.install_plugin`."
            ),
            responses={200: AvailableList},
            parameters=SEARCH_PARAMETERS,
            problems=(403,),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer every source, or those that are searched for."""
        require(request.user, INSTALL)
        found = search_available(request) if request.query_params else plugin_manager().discover()
        featured = settings().PLUGINS_FEATURED
        return Response({"results": [available_entry(item, featured) for item in found]})


def describe_plugin(request: Request, row: InstalledPlugin, grid: str = "") -> dict[str, Any]:
    """Return everything about an installed plugin, as it is now.

    Args:
        request: the request.
        row: the plugin.
        grid: whose configuration is shown; empty for that for all grids.
    """
    generation = RuntimeGeneration.objects.values_list("value", flat=True).first() or 0
    processes = RuntimeProcess.objects.order_by("host", "pid")
    manager = plugin_manager()
    found = manager.get_plugin(row.plugin_id)
    return plugin_detail(
        replace(found, config=manager.get_config(row.plugin_id, grid=grid)) if grid else found,
        _url(request, row.plugin_id),
        HealthCheckResult.objects.filter(plugin=row).first(),
        [plugin_process(process, row.plugin_id, generation) for process in processes],
    )


def _url(request: Request, plugin_id: str) -> str:
    return link(request, "plugin", plugin=plugin_id)


def _require_rights_of(wish: InstallRequest, user: User) -> None:
    """Ask for the right behind each part of the wish.

    Raises:
        AccessDeniedError: when one is missing.
    """
    parts = ((CONFIGURE, wish.config), (GRANT, wish.grants), (ACTIVATE, wish.activate))
    for right, part in parts:
        if part:
            require(user, right)


def _request_install(wish: InstallRequest, user: User) -> PluginOperation:
    """Queue the installation of a source that exists; everything else the worker judges.

    Raises:
        PluginNotFoundError: when there is no such source.
    """
    plugin_id = id_of(wish.source)
    arguments = {"source": wish.source, "config": wish.config, "grants": wish.grants, "activate": wish.activate}
    operation = request_operation(OperationKind.INSTALL, plugin_id, arguments, user=user)
    enqueue_operation(operation.pk)
    return operation


def id_of(source: str) -> str:
    """Return the id of the plugin at a source.

    Args:
        source: ``ref`` of an available plugin, or a plugin's id.

    Raises:
        PluginNotFoundError: when there is no such source.
    """
    found = [item for item in plugin_manager().discover() if source in {item.ref, item.metadata and item.metadata.id}]
    if not found:
        raise PluginNotFoundError(
            f"There is no plugin {source[:200]!a} to install; plugins/available/ lists what there is."
        )
    return found[0].metadata.id if found[0].metadata else found[0].ref
