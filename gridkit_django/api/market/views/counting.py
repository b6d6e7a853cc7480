"""What sites report: events and ratings; what people report; and how a plugin does, for its publisher."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.market.base import MarketView
from gridkit_django.api.market.bodies import (
    Accepted,
    Analytics,
    AnalyticsDay,
    EventRequest,
    Rating,
    RatingRequest,
    ReportRequest,
)
from gridkit_django.api.operations import Operation, query_parameter
from gridkit_django.api.parameters import whole_number
from gridkit_django.events.addresses import client_address
from gridkit_django.marketplace.shelf.analytics import DAYS_MAX, plugin_analytics
from gridkit_django.marketplace.shelf.counting import rate, report_event, report_listing
from gridkit_django.marketplace.shelf.reading import any_listing, public_listing
from gridkit_django.marketplace.shelf.tokens import TokenScope, require_scope
from gridkit_django.models import MarketEventKind


class EventsView(MarketView):
    """What a site did with a plugin."""

    throttle_scopes: ClassVar = {"POST": "market-events"}
    operations: ClassVar = {
        "POST": Operation(
            id="reportMarketEvent",
            tag="counting",
            summary="Report a download, install, update or uninstall",
            description="Counted once a day for each site; only a salted hash of the site's id is kept.",
            request=EventRequest,
            responses={202: Accepted},
            problems=(404, 429),
            public=True,
        )
    }

    def post(self, request: Request, plugin: str) -> Response:
        """Note it; the answer does not say whether it was counted."""
        told = self.read_body(request, EventRequest)
        report_event(
            plugin,
            MarketEventKind(told.kind),
            told.site,
            version=told.version,
            core_version=told.core_version,
            address=client_address(request._request),  # noqa: SLF001 - DRF's own name
        )
        return Response(Accepted().to_wire(), status=202)


class RatingView(MarketView):
    """What a site thinks of a plugin."""

    throttle_scopes: ClassVar = {"PUT": "market-events"}
    operations: ClassVar = {
        "PUT": Operation(
            id="rateMarketPlugin",
            tag="counting",
            summary="Rate a plugin that the site has installed",
            description="Sums are made every few minutes, so the answer shows the rating of before.",
            request=RatingRequest,
            responses={202: Rating},
            problems=(403, 404, 429),
            public=True,
        )
    }

    def put(self, request: Request, plugin: str) -> Response:
        """Note it."""
        told = self.read_body(request, RatingRequest)
        rate(plugin, told.site, told.rating)
        listing = public_listing(plugin)
        return Response(Rating(value=listing.rating, count=listing.rating_count).to_wire(), status=202)


class AnalyticsView(MarketView):
    """How a plugin does."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketAnalytics",
            tag="counting",
            summary="Read how a plugin does, by day, version and version of GridKit",
            description="For its publisher: needs a token with the scope `analytics`.",
            responses={200: Analytics},
            parameters=(query_parameter("days", f"Days back, 1 to {DAYS_MAX}; 30 when left out.", int),),
            problems=(403, 404),
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer the figures."""
        require_scope(self.token(request), TokenScope.ANALYTICS, plugin)
        listing = any_listing(plugin)
        found = plugin_analytics(listing, whole_number(request, "days", default=30, high=DAYS_MAX))
        body = Analytics(
            id=listing.plugin_id,
            downloads=listing.downloads,
            installs=listing.installs,
            updates=listing.updates,
            rating=Rating(value=listing.rating, count=listing.rating_count),
            days=[AnalyticsDay(day=item.day, **item.counts) for item in found.days],
            versions=dict(found.versions),
            core_versions=dict(found.core_versions),
        )
        return Response(body.to_wire())


class ReportsView(MarketView):
    """What somebody tells the administrators."""

    throttle_scopes: ClassVar = {"POST": "market-publish"}
    operations: ClassVar = {
        "POST": Operation(
            id="reportMarketPlugin",
            tag="counting",
            summary="Tell the administrators about a plugin",
            request=ReportRequest,
            responses={202: Accepted},
            problems=(404, 429),
            public=True,
        )
    }

    def post(self, request: Request, plugin: str) -> Response:
        """Note it."""
        told = self.read_body(request, ReportRequest)
        listing = public_listing(plugin)
        report_listing(listing, told.reason, told.text, contact=told.contact, version=told.version)
        return Response(Accepted().to_wire(), status=202)
