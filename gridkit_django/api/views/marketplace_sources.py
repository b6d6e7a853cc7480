"""The marketplaces that this site follows: how fresh each list is, and following them now."""

from __future__ import annotations

import logging
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.conditional import body_tag, tagged_response
from gridkit_django.api.links import link
from gridkit_django.api.operations import Operation, response_header
from gridkit_django.api.permissions import INSTALL, require
from gridkit_django.api.serializers.bodies import EmptyBody
from gridkit_django.api.serializers.marketplace import MarketplaceSources, sources_body
from gridkit_django.api.views.marketplace import BROWSE, require_browsing
from gridkit_django.exceptions import RefreshNotQueuedError
from gridkit_django.tasks.marketplace import refresh_catalogues
from gridkit_django.tasks.sending import send

logger = logging.getLogger("gridkit_django.api")


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
                "202 with the marketplaces as they are yet; `Location` is where to see `triedAt` move, and `error` "
                f"when one could not be followed. Needs `{INSTALL}`."
            ),
            request=EmptyBody,
            responses={202: MarketplaceSources},
            parameters=(response_header("Location", "Where the state of each marketplace is.", 202),),
            problems=(403, 503),
        )
    }
    throttle_scopes: ClassVar = {"POST": "marketplace"}

    def post(self, request: Request) -> Response:
        """Hand it to a worker."""
        require(request.user, INSTALL)
        self.read_body(request, EmptyBody)
        try:
            send(refresh_catalogues, [], kwargs={"now": True})
        except Exception as error:  # whatever the queue's client raises
            logger.exception("Following the marketplaces could not be queued")
            raise RefreshNotQueuedError(
                f"The task queue could not be reached ({type(error).__name__}). Ask again when it is back."
            ) from error
        return Response(sources_body(), status=202, headers={"Location": link(request, "marketplace-sources")})
