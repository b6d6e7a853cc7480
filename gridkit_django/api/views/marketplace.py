"""The marketplaces that this site installs from: searching the local catalogue, planning, installing by a worker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import body_tag, tagged_response
from gridkit_django.api.operations import Operation, query_parameter, response_header
from gridkit_django.api.parameters import choice, whole_number
from gridkit_django.api.permissions import ACTIVATE, CONFIGURE, GRANT, INSTALL, require
from gridkit_django.api.serializers.marketplace import (
    MarketplaceDetail,
    MarketplaceInstallRequest,
    MarketplacePage,
    MarketplacePlan,
    detail_body,
    page_body,
    plan_body,
)
from gridkit_django.api.serializers.operations import OperationAccepted, operation_body
from gridkit_django.exceptions import FilterValueError, PluginSearchError
from gridkit_django.grids.rights import has_permission
from gridkit_django.marketplace.client import InstallPlan, make_install_plan, search
from gridkit_django.marketplace.client.finding import get_listing
from gridkit_django.marketplace.client.parts import agreed_versions, check_agreed
from gridkit_django.models import InstalledPlugin, OperationKind
from gridkit_django.plugins import PluginSearchQuery, request_operation
from gridkit_django.plugins.remote import PREFIX
from gridkit_django.tasks.plugins import enqueue_operation
from gridkit_django.typing import User

BROWSE = "gridkit_django.browse_marketplace"
_FLAG = ("true", "false")
_SORTS = ("relevance", "downloads", "rating", "updated", "name")


class MarketplacePluginsView(GridKitView):
    """The plugins that marketplaces list."""

    operations: ClassVar = {
        "GET": Operation(
            id="searchMarketplace",
            tag="marketplace",
            summary="Search the plugins of marketplaces",
            description=f"In the local catalogue; no marketplace is asked. Needs `{BROWSE}` or `{INSTALL}`.",
            responses={200: MarketplacePage},
            parameters=(
                query_parameter("query", "Words that id, name, summary, publisher or tags hold; all of them."),
                query_parameter("category", "Category."),
                query_parameter("tags", "Tags, separated by commas; all of them."),
                query_parameter("verified", "`true` where a person has looked at the latest release.", bool),
                query_parameter("free", "`true` for plugins that cost nothing, `false` for the others.", bool),
                query_parameter("min_rating", "Rating at least, 0 to 5.", float),
                query_parameter("sort_by", f"One of {', '.join(_SORTS)}; relevance when left out."),
                query_parameter("limit", "Results at most: 1 to 100, 20 when left out.", int),
                query_parameter("offset", "Results to leave out first.", int),
            ),
            problems=(403,),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer a page."""
        require_browsing(request.user)
        try:
            body = page_body(search(_query(request)))
            return tagged_response(request, body, body_tag(body))
        except PluginSearchError as error:
            errors = [replace(item, pointer=f"?{item.pointer[1:]}") for item in error.errors]
            raise PluginSearchError(error.detail, errors=errors) from error


class MarketplacePluginView(GridKitView):
    """One plugin of a marketplace."""

    operations: ClassVar = {
        "GET": Operation(
            id="readMarketplacePlugin",
            tag="marketplace",
            summary="Read all that a marketplace says about a plugin",
            description=f"From the local catalogue; no marketplace is asked. Needs `{BROWSE}` or `{INSTALL}`.",
            responses={200: MarketplaceDetail},
            problems=(403, 404),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer the listing."""
        require_browsing(request.user)
        body = detail_body(get_listing(plugin))
        return tagged_response(request, body, body_tag(body))


class MarketplacePlanView(GridKitView):
    """What installing one would do."""

    operations: ClassVar = {
        "GET": Operation(
            id="planMarketplaceInstall",
            tag="marketplace",
            summary="See what installing or updating a plugin would do",
            description=f"With the reason for each release that can't be taken. Needs `{BROWSE}` or `{INSTALL}`.",
            responses={200: MarketplacePlan},
            parameters=(query_parameter("version", "Exactly this release; the newest that fits when left out."),),
            problems=(403, 404),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer the plan."""
        require_browsing(request.user)
        return Response(plan_body(make_install_plan(plugin, request.query_params.get("version") or None)))


class MarketplaceInstallView(GridKitView):
    """Installing or updating one, by a worker."""

    operations: ClassVar = {
        "POST": Operation(
            id="installFromMarketplace",
            tag="marketplace",
            summary="Install or update a plugin from its marketplace",
            description=(
                "A worker does it: 202 with an operation to follow at `Location`. What can't be installed is refused "
                "at once with the reasons; so are plugins that come along and are not named under `peers`. Needs "
                f"`{INSTALL}`; a configuration, grants and activation need their own rights as well."
            ),
            request=MarketplaceInstallRequest,
            responses={202: OperationAccepted},
            parameters=(response_header("Location", "Address of the operation.", 202),),
            problems=(403, 404, 409),
        )
    }
    throttle_scopes: ClassVar = {"POST": "marketplace"}

    def post(self, request: Request, plugin: str) -> Response:
        """Judge the plan and queue the operation."""
        row = InstalledPlugin.objects.filter(plugin_id=plugin).first()
        require(request.user, INSTALL, row)
        wish = self.read_body(request, MarketplaceInstallRequest)
        for right, part in ((CONFIGURE, wish.config), (GRANT, wish.grants), (ACTIVATE, wish.activate)):
            if part:
                require(request.user, right, row)
        plan = make_install_plan(plugin, wish.version, agreed_versions(_peers(wish)))
        check_agreed(plan, _peers(wish))
        _require_for_peers(request.user, plan, wish)
        kind, arguments = _asked(plan, wish)
        operation = request_operation(kind, plugin, arguments, user=request.user, switch_anyway=wish.switch_anyway)
        enqueue_operation(operation.pk)
        body = operation_body(operation, request)
        return Response({"operation": body}, status=202, headers={"Location": body["url"]})


def _asked(plan: InstallPlan, wish: MarketplaceInstallRequest) -> tuple[OperationKind, dict[str, Any]]:
    release, peers = plan.chosen(), _agreed(plan, wish)
    arguments: dict[str, Any] = {"version": release.version, "grants": list(wish.grants), "peers": peers}
    if wish.canary_seconds is not None:
        arguments["canary_seconds"] = wish.canary_seconds
    if plan.installed:
        return OperationKind.UPDATE, arguments
    more = {"source": f"{PREFIX}{plan.listing.id}", "config": wish.config, "activate": wish.activate}
    return OperationKind.INSTALL, arguments | more


def _require_for_peers(user: User, plan: InstallPlan, wish: MarketplaceInstallRequest) -> None:
    """Ask for the rights on plugins that are new here: those on one installed plugin don't count.

    Raises:
        AccessDeniedError: when one is missing.
    """
    if plan.peers:
        grants = any(peer.grants for peer in wish.peers)
        starts = wish.activate or bool(plan.installed)
        for right, needed in ((INSTALL, True), (GRANT, grants), (ACTIVATE, starts)):
            if needed:
                require(user, right)


def _peers(wish: MarketplaceInstallRequest) -> list[dict[str, Any]]:
    return [peer.model_dump() for peer in wish.peers]


def _agreed(plan: InstallPlan, wish: MarketplaceInstallRequest) -> list[dict[str, Any]]:
    """Return what comes along, each at the version that was judged now, with what is granted."""
    grants = {peer.id: list(peer.grants) for peer in wish.peers}
    return [
        {"id": item.plugin_id, "version": item.release.version, "grants": grants[item.plugin_id]} for item in plan.peers
    ]


def require_browsing(user: User) -> None:
    """Refuse whoever may neither browse nor install.

    Raises:
        AccessDeniedError: then.
    """
    if not has_permission(user, BROWSE):
        require(user, INSTALL)


def _query(request: Request) -> PluginSearchQuery:
    given = request.query_params
    flags = {name: choice(request, name, _FLAG) for name in ("verified", "free")}
    return PluginSearchQuery(
        query=given.get("query", "")[:200],
        category=given.get("category"),
        tags=tuple(tag for tag in given.get("tags", "").split(",") if tag),
        verified=None if flags["verified"] is None else flags["verified"] == "true",
        free=None if flags["free"] is None else flags["free"] == "true",
        min_rating=_number(given.get("min_rating")),
        sort_by=choice(request, "sort_by", _SORTS) or "relevance",
        limit=whole_number(request, "limit", default=20, high=100),
        offset=whole_number(request, "offset", default=0, low=0, high=1_000_000),
    )


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise FilterValueError(f"min_rating is {text!r}; a number from 0 to 5 was expected.") from error
