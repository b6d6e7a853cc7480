"""The marketplaces that this site follows: how fresh each list is, and following them now."""

from __future__ import annotations

import uuid
from typing import ClassVar

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import body_tag, tagged_response
from gridkit_django.api.links import link
from gridkit_django.api.operations import Operation, response_header
from gridkit_django.api.permissions import INSTALL, require
from gridkit_django.api.serializers.bodies import EmptyBody
from gridkit_django.api.serializers.marketplace import (
    MarketplaceRefresh,
    MarketplaceRefreshes,
    MarketplaceSources,
    refresh_body,
    refreshes_body,
    sources_body,
)
from gridkit_django.api.views.marketplace import BROWSE, require_browsing
from gridkit_django.models import CatalogRefresh
from gridkit_django.tasks.marketplace import refresh_now

SHOWN = 50
"""Refreshes of one answer."""


class MarketplaceSourcesView(GridKitView):
    """The marketplaces of the settings."""

    operations: ClassVar = {
        "GET": Operation(
            id="listMarketplaces",
            tag="marketplace",
            summary="See how fresh the list of each marketplace is, and what went wrong",
            description=f"No marketplace is asked. Needs `{BROWSE}` or `{INSTALL}`.",
            responses={200: MarketplaceSources},
            problems=(403,),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer all of them."""
        require_browsing(request.user)
        body = sources_body()
        return tagged_response(request, body, body_tag(body))


class MarketplaceRefreshView(GridKitView):
    """Following the marketplaces now."""

    operations: ClassVar = {
        "POST": Operation(
            id="refreshMarketplaces",
            tag="marketplace",
            summary="Let a worker follow the lists of all marketplaces now",
            description=(
                "202 with the refresh, which is told at `Location` as it goes on. One that somebody asked for and that "
                f"is under way is not asked for twice. Needs `{INSTALL}`."
            ),
            request=EmptyBody,
            responses={202: MarketplaceRefresh},
            parameters=(response_header("Location", "Address of the refresh.", 202),),
            problems=(403, 503),
        )
    }
    throttle_scopes: ClassVar = {"POST": "marketplace"}

    def post(self, request: Request) -> Response:
        """Hand it to a worker."""
        require(request.user, INSTALL)
        self.read_body(request, EmptyBody)
        refresh = refresh_now(request.user)
        body = refresh_body(refresh, _address(request, refresh))
        return Response(body, status=202, headers={"Location": body["url"]})


class MarketplaceRefreshListView(GridKitView):
    """What the last refreshes brought."""

    operations: ClassVar = {
        "GET": Operation(
            id="listMarketplaceRefreshes",
            tag="marketplace",
            summary="See the last refreshes of the catalogue: who asked, how long they took, what failed",
            description=f"The newest {SHOWN}. Needs `{BROWSE}` or `{INSTALL}`.",
            responses={200: MarketplaceRefreshes},
            problems=(403,),
        )
    }

    def get(self, request: Request) -> Response:
        """Answer them."""
        require_browsing(request.user)
        found = CatalogRefresh.objects.select_related("requested_by")[:SHOWN]
        body = refreshes_body((refresh, _address(request, refresh)) for refresh in found)
        return tagged_response(request, body, body_tag(body))


class MarketplaceRefreshDetailView(GridKitView):
    """One refresh."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketplaceRefresh",
            tag="marketplace",
            summary="See how far a refresh of the catalogue is",
            description=f"Needs `{BROWSE}` or `{INSTALL}`.",
            responses={200: MarketplaceRefresh},
            problems=(403, 404),
        )
    }

    def get(self, request: Request, refresh: uuid.UUID) -> Response:
        """Answer it.

        Raises:
            NotFound: when there is none, or not any more.
        """
        require_browsing(request.user)
        found = CatalogRefresh.objects.select_related("requested_by").filter(pk=refresh).first()
        if found is None:
            raise NotFound
        body = refresh_body(found, _address(request, found))
        return tagged_response(request, body, body_tag(body))


def _address(request: Request, refresh: CatalogRefresh) -> str:
    return link(request, "marketplace-refresh-detail", refresh=refresh.pk)
