"""The versions of a plugin: which there are, updating, rolling back, and refusing an update."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.links import link
from gridkit_django.api.operations import Operation
from gridkit_django.api.permissions import CONFIGURE, GRANT, INSTALL, require, visible_plugin, visible_plugins
from gridkit_django.api.serializers.plugin_versions import (
    AutoUpdateRequest,
    PinRequest,
    PluginUpdateList,
    PluginVersionList,
    RollBackRequest,
    UpdateRequest,
    update_entry,
    version_list,
)
from gridkit_django.api.views.plugin_acts import PluginActView, act_operation
from gridkit_django.exceptions import PluginStateError
from gridkit_django.models import InstalledPlugin, PluginSource
from gridkit_django.plugins import plugin_manager


class PluginUpdatesView(GridKitView):
    """The plugins whose source holds other content than the one in use."""

    operations: ClassVar = {
        "GET": Operation(
            id="listPluginUpdates",
            tag="plugins",
            summary="List the updates that are there",
            description="Of the plugins that you have any right on. No code of a plugin runs for this list.",
            responses={200: PluginUpdateList},
        )
    }

    def get(self, request: Request) -> Response:
        """Answer all of them."""
        visible = {row.plugin_id for row in visible_plugins(request.user, InstalledPlugin.objects.all())}
        found = [item for item in plugin_manager().check_updates() if item.plugin_id in visible]
        entries = [update_entry(item, link(request, "plugin", plugin=item.plugin_id)) for item in found]
        return Response({"results": entries})


class PluginVersionsView(GridKitView):
    """The versions of one plugin."""

    operations: ClassVar = {
        "GET": Operation(
            id="listPluginVersions",
            tag="plugins",
            summary="List the versions of a plugin that this site knows",
            responses={200: PluginVersionList},
            problems=(404,),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer all of them, the newest use first."""
        row = visible_plugin(request.user, plugin)
        return Response(version_list(plugin_manager().list_versions(row.plugin_id)))


class UpdateView(PluginActView):
    """Puts another version in the place of the one in use."""

    right = INSTALL
    shape = UpdateRequest
    operations: ClassVar = {
        "POST": act_operation(
            "updatePlugin",
            "Update a plugin",
            INSTALL,
            shape=UpdateRequest,
            text=(
                "A version that asks for permissions that nobody decided about is answered with "
                "`plugin-consent-required` and `permissions`; it waits, and the old one runs on. Name them in "
                "`grants`, or decide about them, and ask again. A pinned plugin is answered with `plugin-pinned`."
            ),
        )
    }

    def act(self, plugin: InstalledPlugin, body: UpdateRequest, request: Request) -> None:
        """Update it; granting needs its own right."""
        if body.grants:
            require(request.user, GRANT, plugin)
        _check_at_hand(plugin, body.version)
        plugin_manager().update_plugin(plugin.plugin_id, body.version, grants=body.grants, user=request.user)


def _check_at_hand(plugin: InstalledPlugin, version: str | None) -> None:
    """Refuse what would have to be fetched from a marketplace first: no request waits for one.

    Raises:
        PluginStateError: says what to ask instead.
    """
    known = version is not None and plugin_manager().is_at_hand(plugin.plugin_id, version)
    if plugin.source == PluginSource.MARKETPLACE and not known:
        raise PluginStateError(
            f"{plugin.plugin_id} comes from a marketplace: a worker fetches the release. Ask for it with POST "
            f"marketplace/plugins/{plugin.plugin_id}/install/."
        )


class RefuseUpdateView(PluginActView):
    """Refuses the version that waits for consent."""

    right = INSTALL
    operations: ClassVar = {
        "POST": act_operation(
            "refusePluginUpdate",
            "Refuse the version that waits for consent",
            INSTALL,
            text="The one in use stays until the source holds other content.",
        )
    }

    def act(self, plugin: InstalledPlugin, body: Any, request: Request) -> None:
        """Refuse it."""
        plugin_manager().refuse_update(plugin.plugin_id, user=request.user)


class RollBackView(PluginActView):
    """Brings an earlier version back."""

    right = INSTALL
    shape = RollBackRequest
    operations: ClassVar = {
        "POST": act_operation(
            "rollBackPlugin",
            "Bring an earlier version of a plugin back",
            INSTALL,
            shape=RollBackRequest,
            text="With the configuration of its time. It is pinned, until somebody takes that off.",
        )
    }

    def act(self, plugin: InstalledPlugin, body: RollBackRequest, request: Request) -> None:
        """Roll it back."""
        plugin_manager().roll_back_plugin(plugin.plugin_id, body.version, user=request.user)


class KnownGoodView(PluginActView):
    """Brings the last known good state back."""

    right = INSTALL
    operations: ClassVar = {
        "POST": act_operation(
            "goBackToKnownGood",
            "Bring a plugin back to its last known good state",
            INSTALL,
            text=(
                "Version, configurations and permissions as they stood when it was healthy for `KNOWN_GOOD_MINUTES`. "
                f"Needs `{GRANT}` and `{CONFIGURE}` as well."
            ),
        )
    }

    def act(self, plugin: InstalledPlugin, body: Any, request: Request) -> None:
        """Go back."""
        require(request.user, GRANT, plugin)
        require(request.user, CONFIGURE, plugin)
        plugin_manager().go_back_to_known_good(plugin.plugin_id, user=request.user)


class PinView(PluginActView):
    """Holds a plugin at the version in use."""

    right = INSTALL
    shape = PinRequest
    operations: ClassVar = {
        "POST": act_operation(
            "pinPlugin",
            "Hold a plugin at the version in use",
            INSTALL,
            shape=PinRequest,
            text="Nothing updates it until somebody unpins it. A pinned one gets the new note.",
        )
    }

    def act(self, plugin: InstalledPlugin, body: PinRequest, request: Request) -> None:
        """Pin it."""
        plugin_manager().pin_plugin(plugin.plugin_id, body.note, user=request.user)


class AutoUpdateView(PluginActView):
    """Chooses which newer releases come by themselves."""

    right = INSTALL
    shape = AutoUpdateRequest
    operations: ClassVar = {
        "POST": act_operation(
            "setAutoUpdate",
            "Choose which newer releases of a plugin come by themselves",
            INSTALL,
            shape=AutoUpdateRequest,
            text="Never one that asks for more permissions, or that the site holds back for another reason.",
        )
    }

    def act(self, plugin: InstalledPlugin, body: AutoUpdateRequest, request: Request) -> None:
        """Choose it."""
        plugin_manager().set_auto_update(plugin.plugin_id, body.policy, user=request.user)


class UnpinView(PluginActView):
    """Lets a plugin be updated again."""

    right = INSTALL
    operations: ClassVar = {
        "POST": act_operation("unpinPlugin", "Let a pinned plugin be updated again", INSTALL),
    }

    def act(self, plugin: InstalledPlugin, body: Any, request: Request) -> None:
        """Unpin it."""
        plugin_manager().unpin_plugin(plugin.plugin_id, user=request.user)
