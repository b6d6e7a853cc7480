"""What a publisher says of a plugin beside its packages, with a token: addresses, pictures, how it stands."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.market.base import MarketView
from gridkit_django.api.market.bodies import Front, FrontRequest, OrderRequest, StateRequest
from gridkit_django.api.market.uploads import PictureForm, PictureParser, read_picture
from gridkit_django.api.market.writing import front
from gridkit_django.api.operations import Operation
from gridkit_django.api.parsers import StrictJSONParser
from gridkit_django.marketplace.shelf.describing import describe_listing
from gridkit_django.marketplace.shelf.pictures import (
    add_screenshot,
    order_screenshots,
    remove_icon,
    remove_screenshot,
    screenshot_of,
    set_icon,
)
from gridkit_django.marketplace.shelf.reading import any_listing
from gridkit_django.marketplace.shelf.taking_back import set_listing_state
from gridkit_django.marketplace.shelf.tokens import TokenScope, require_scope
from gridkit_django.models import Listing, ListingState

_PROBLEMS = (403, 404, 409)
_MULTIPART = "multipart/form-data"


class _FrontView(MarketView):
    """An act of a publisher on the front of a plugin."""

    throttle_scopes: ClassVar = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), "market-front")
    scope: ClassVar[TokenScope] = TokenScope.FRONT

    def listing(self, request: Request, plugin: str) -> Listing:
        """Return the publisher's own plugin, in whatever state.

        Raises:
            ListingNotFoundError: when there is none.
        """
        require_scope(self.token(request), self.scope, plugin)
        return any_listing(plugin)

    def answer(self, plugin: str, status: int = 200) -> Response:
        """Answer how the front is now."""
        response = Response(front(any_listing(plugin)).to_wire(), status=status)
        response["Cache-Control"] = "private, no-store"
        return response


class FrontView(_FrontView):
    """What is said of a plugin."""

    operations: ClassVar = {
        "GET": Operation(
            id="getFront",
            tag="publishing",
            summary="Read what is said of a plugin beside its packages",
            description="Also before anything is public. Needs a token with the scope `front`, as all that changes it.",
            responses={200: Front},
            problems=_PROBLEMS,
        ),
        "PATCH": Operation(
            id="changeFront",
            tag="publishing",
            summary="Change the addresses and texts of a plugin's page",
            description="What is left out stays. An empty text takes it away.",
            request=FrontRequest,
            responses={200: Front},
            problems=_PROBLEMS,
        ),
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer it."""
        self.listing(request, plugin)
        return self.answer(plugin)

    def patch(self, request: Request, plugin: str) -> Response:
        """Change it."""
        listing = self.listing(request, plugin)
        told = self.read_body(request, FrontRequest)
        describe_listing(listing, told.model_dump(include=told.model_fields_set))
        return self.answer(plugin)


class IconView(_FrontView):
    """The icon."""

    parser_classes = (PictureParser,)
    operations: ClassVar = {
        "PUT": Operation(
            id="putIcon",
            tag="publishing",
            summary="Give a plugin its icon",
            description="It is drawn anew, at most 256 pixels wide and high. A square looks best.",
            request=PictureForm,
            request_type=_MULTIPART,
            responses={200: Front},
            problems=_PROBLEMS,
        ),
        "DELETE": Operation(
            id="deleteIcon",
            tag="publishing",
            summary="Take the icon away",
            responses={200: Front},
            problems=_PROBLEMS,
        ),
    }

    def put(self, request: Request, plugin: str) -> Response:
        """Set it."""
        listing = self.listing(request, plugin)
        content, _texts = read_picture(request)
        set_icon(listing, content)
        return self.answer(plugin)

    def delete(self, request: Request, plugin: str) -> Response:
        """Take it away."""
        remove_icon(self.listing(request, plugin))
        return self.answer(plugin)


class ScreenshotsView(_FrontView):
    """The screenshots."""

    parser_classes = (PictureParser, StrictJSONParser)
    operations: ClassVar = {
        "POST": Operation(
            id="addScreenshot",
            tag="publishing",
            summary="Add a screenshot after those that are there",
            description="It is drawn anew, at most 1920 pixels wide and high. The same picture again is no error.",
            request=PictureForm,
            request_type=_MULTIPART,
            responses={201: Front},
            problems=_PROBLEMS,
        ),
        "PUT": Operation(
            id="orderScreenshots",
            tag="publishing",
            summary="Put the screenshots into an order",
            request=OrderRequest,
            responses={200: Front},
            problems=_PROBLEMS,
        ),
    }

    def post(self, request: Request, plugin: str) -> Response:
        """Add one."""
        listing = self.listing(request, plugin)
        content, texts = read_picture(request, "caption")
        add_screenshot(listing, content, texts["caption"])
        return self.answer(plugin, 201)

    def put(self, request: Request, plugin: str) -> Response:
        """Order them."""
        listing = self.listing(request, plugin)
        order_screenshots(listing, self.read_body(request, OrderRequest).order)
        return self.answer(plugin)


class ScreenshotView(_FrontView):
    """One screenshot."""

    operations: ClassVar = {
        "DELETE": Operation(
            id="deleteScreenshot",
            tag="publishing",
            summary="Take a screenshot away",
            responses={200: Front},
            problems=_PROBLEMS,
        )
    }

    def delete(self, request: Request, plugin: str, sha256: str) -> Response:
        """Take it away."""
        remove_screenshot(screenshot_of(self.listing(request, plugin), sha256))
        return self.answer(plugin)


class StateView(_FrontView):
    """How a plugin stands."""

    scope = TokenScope.YANK
    operations: ClassVar = {
        "PUT": Operation(
            id="setPluginState",
            tag="publishing",
            summary="Say that a plugin is active, deprecated or archived",
            description=(
                "Deprecated plugins are found, last, with the reason; archived ones are not found, but who has them "
                "keeps getting them. Needs a token with the scope `yank`."
            ),
            request=StateRequest,
            responses={200: Front},
            problems=_PROBLEMS,
        )
    }

    def put(self, request: Request, plugin: str) -> Response:
        """Set it."""
        listing = self.listing(request, plugin)
        told = self.read_body(request, StateRequest)
        set_listing_state(listing, ListingState(told.state), told.reason)
        return self.answer(plugin)
