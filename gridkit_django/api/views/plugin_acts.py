"""What an administrator does to an installed plugin; each act answers the plugin as it is then."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import ACTIVATE, CONFIGURE, GRANT, INSTALL, require, visible_plugin
from gridkit_django.api.serializers.bodies import EmptyBody, RequestBody
from gridkit_django.api.serializers.plugins import ConfigureRequest, GrantRequest, PluginDetail
from gridkit_django.api.serializers.remains import (
    PluginData,
    UninstallPreviewBody,
    UninstallRequest,
    uninstall_preview,
)
from gridkit_django.api.views.plugins import describe_plugin
from gridkit_django.exceptions import PluginConfigError, PluginSecretError
from gridkit_django.models import InstalledPlugin
from gridkit_django.plugins import plugin_manager
from gridkit_django.plugins.change import commits_itself
from gridkit_django.tasks.marketplace import counting_removal


class PluginActView(GridKitView):
    """One act on a plugin: the right it takes, the body it takes, and what it does.

    Attributes:
        right: the Django permission, held for all plugins or for this one.
        shape: shape of the body.
    """

    right: ClassVar[str]
    shape: ClassVar[type[RequestBody]] = EmptyBody

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, which answers what the committed change led to."""
        return commits_itself(super().as_view(**initkwargs))

    def post(self, request: Request, plugin: str) -> Response:
        """Judge the right, read the body, act, and answer the plugin."""
        row = visible_plugin(request.user, plugin)
        require(request.user, self.right, row)
        body = self.read_body(request, self.shape)
        self.act(row, body, request)
        return self.answer(request, row, body)

    @abstractmethod
    def act(self, plugin: InstalledPlugin, body: Any, request: Request) -> None:
        """Do it."""

    def answer(self, request: Request, plugin: InstalledPlugin, body: Any) -> Response:
        """Answer the plugin as it is now."""
        return Response(describe_plugin(request, plugin))


def act_operation(
    name: str, summary: str, right: str, *, shape: type[RequestBody] = EmptyBody, text: str = ""
) -> Operation:
    """Describe an act on a plugin that answers the plugin.

    Args:
        name: operation id.
        summary: what it does, in one line.
        right: the right that it takes.
        shape: shape of the body.
        text: what else a caller must know.
    """
    return Operation(
        id=name,
        tag="plugins",
        summary=summary,
        description=f"{text} Needs `{right}`, for all plugins or for this one.".strip(),
        request=shape,
        responses={200: PluginDetail},
        problems=(403, 404, 409),
    )


class ActivateView(PluginActView):
    """Switches a plugin on."""

    right = ACTIVATE
    operations: ClassVar = {
        "POST": act_operation(
            "activatePlugin", "Activate a plugin", ACTIVATE, text="Also the way out of quarantine and suspension."
        )
    }

    def act(self, plugin: InstalledPlugin, body: Any, request: Request) -> None:
        """Activate it."""
        plugin_manager().activate_plugin(plugin.plugin_id, user=request.user)


class DeactivateView(PluginActView):
    """Switches a plugin off."""

    right = ACTIVATE
    operations: ClassVar = {
        "POST": act_operation(
            "deactivatePlugin", "Deactivate a plugin", ACTIVATE, text="Configuration, grants and storage stay."
        )
    }

    def act(self, plugin: InstalledPlugin, body: Any, request: Request) -> None:
        """Deactivate it."""
        plugin_manager().deactivate_plugin(plugin.plugin_id, user=request.user)


class ReloadView(PluginActView):
    """Loads a plugin's code anew."""

    right = ACTIVATE
    operations: ClassVar = {
        "POST": act_operation(
            "reloadPlugin",
            "Load an active plugin's manifest and code anew",
            ACTIVATE,
            text="In every process; the old code serves until the new stands.",
        )
    }

    def act(self, plugin: InstalledPlugin, body: Any, request: Request) -> None:
        """Reload it."""
        plugin_manager().reload_plugin(plugin.plugin_id, user=request.user)


class ConfigureView(PluginActView):
    """Puts a configuration in force."""

    right = CONFIGURE
    shape = ConfigureRequest
    operations: ClassVar = {
        "POST": act_operation(
            "configurePlugin",
            "Configure a plugin",
            CONFIGURE,
            shape=ConfigureRequest,
            text="A masked secret that is sent back as it came stays what it was.",
        )
    }

    def act(self, plugin: InstalledPlugin, body: ConfigureRequest, request: Request) -> None:
        """Configure it.

        Raises:
            PluginConfigError: when a value does not fit; the pointers lead into the body.
            PluginSecretError: when a stored secret that is kept can't be decrypted; likewise.
        """
        try:
            plugin_manager().configure_plugin(plugin.plugin_id, body.config, grid=body.grid, user=request.user)
        except (PluginConfigError, PluginSecretError) as error:
            errors = [replace(item, pointer=f"/config{item.pointer}") for item in error.errors]
            raise type(error)(error.detail, errors=errors) from error

    def answer(self, request: Request, plugin: InstalledPlugin, body: ConfigureRequest) -> Response:
        """Answer the plugin with the configuration of the same scope."""
        return Response(describe_plugin(request, plugin, body.grid))


class GrantsView(PluginActView):
    """Decides about a plugin's permissions."""

    right = GRANT
    shape = GrantRequest
    operations: ClassVar = {
        "POST": act_operation(
            "decidePermission",
            "Grant, revoke or deny a permission of a plugin",
            GRANT,
            shape=GrantRequest,
            text="A revoke beats a granted wildcard. What was asked for and denied is not asked for again.",
        )
    }

    def act(self, plugin: InstalledPlugin, body: GrantRequest, request: Request) -> None:
        """Grant, revoke or deny."""
        manager = plugin_manager()
        acts = {
            "granted": manager.grant_permission,
            "revoked": manager.revoke_permission,
            "denied": manager.deny_permission,
        }
        acts[body.decision](plugin.plugin_id, body.permission, user=request.user)


class UninstallView(PluginActView):
    """Removes a plugin; says before what would go."""

    right = INSTALL
    shape = UninstallRequest
    operations: ClassVar = {
        "GET": Operation(
            id="previewUninstall",
            tag="plugins",
            summary="Say what would go with a plugin",
            description=f"Nothing is done. Needs `{INSTALL}`, for all plugins or for this one.",
            responses={200: UninstallPreviewBody},
            problems=(403, 404),
        ),
        "POST": Operation(
            id="uninstallPlugin",
            tag="plugins",
            summary="Uninstall a plugin",
            description=(
                "With `purge` its configuration and storage are deleted, with `keep` a later installation finds them "
                "again; one of the two must be said. All else goes; its audit records stay. "
                f"Needs `{INSTALL}`, for all plugins or for this one."
            ),
            request=UninstallRequest,
            responses={204: None},
            problems=(403, 404, 409),
        ),
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer what would go."""
        row = visible_plugin(request.user, plugin)
        require(request.user, INSTALL, row)
        return Response(uninstall_preview(plugin_manager().preview_uninstall(row.plugin_id)))

    def act(self, plugin: InstalledPlugin, body: UninstallRequest, request: Request) -> None:
        """Uninstall it."""
        with counting_removal(plugin):
            plugin_manager().uninstall_plugin(plugin.plugin_id, data=body.data, user=request.user)

    def answer(self, request: Request, plugin: InstalledPlugin, body: Any) -> Response:
        """Answer nothing: it is gone."""
        return Response(status=204)


class PluginDataView(GridKitView):
    """What a plugin has stored, to take away."""

    operations: ClassVar = {
        "GET": Operation(
            id="exportPluginData",
            tag="plugins",
            summary="Export the configurations and the storage of a plugin",
            description=f"Secrets are masked, never exported. Needs `{INSTALL}` and `{CONFIGURE}`.",
            responses={200: PluginData},
            problems=(403, 404),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer all of it, as a file."""
        row = visible_plugin(request.user, plugin)
        require(request.user, INSTALL, row)
        require(request.user, CONFIGURE, row)
        found = plugin_manager().export_plugin_data(row.plugin_id, user=request.user)
        headers = {"Content-Disposition": 'attachment; filename="plugin.json"', "Cache-Control": "no-store"}
        return Response(found, headers=headers)
