"""Publishing, with a token: upload, look how far it is, yank, unpublish."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.links import link
from gridkit_django.api.market.base import MarketView
from gridkit_django.api.market.bodies import (
    PublishedBody,
    ReleaseStatus,
    SubmitRequest,
    UnpublishRequest,
    YankRequest,
)
from gridkit_django.api.market.uploads import BoundedMultiPartParser, UploadForm, read_upload
from gridkit_django.api.market.writing import release_status
from gridkit_django.api.operations import Operation, response_header
from gridkit_django.exceptions import ListingNotFoundError
from gridkit_django.marketplace.shelf.publishing import publish_release, submit_release
from gridkit_django.marketplace.shelf.reading import PUBLIC, any_listing, any_release
from gridkit_django.marketplace.shelf.taking_back import unpublish, unyank_release, yank_release
from gridkit_django.marketplace.shelf.tokens import TokenScope, require_scope
from gridkit_django.models import PublisherToken, Release
from gridkit_django.tasks.market import enqueue_check


class PublishView(MarketView):
    """Taking releases in."""

    parser_classes = (BoundedMultiPartParser,)
    throttle_scopes = {"POST": "market-publish"}
    operations: ClassVar = {
        "POST": Operation(
            id="publishRelease",
            tag="publishing",
            summary="Publish a release",
            description=(
                "The gate judges the package at once; checks follow in a worker, and a person's review where it is "
                "needed. The same file again is no error. Needs a token with the scope `publish`."
            ),
            request=UploadForm,
            request_type="multipart/form-data",
            responses={202: PublishedBody},
            parameters=(response_header("Location", "Where to look how far it is.", 202),),
            problems=(401, 403, 409, 413, 429, 503),
            public=False,
        )
    }

    def post(self, request: Request) -> Response:
        """Take it in."""
        token = self.token(request)
        release = publish_release(token, read_upload(request))
        return _accepted(request, release)


class ReleaseView(MarketView):
    """How far a release is."""

    operations: ClassVar = {
        "GET": Operation(
            id="getRelease",
            tag="publishing",
            summary="Look how far a release is",
            description="Its publisher's token sees all states and what checks said; others see what is public.",
            responses={200: ReleaseStatus},
            problems=(404,),
            public=True,
        )
    }

    def get(self, request: Request, plugin: str, version: str) -> Response:
        """Answer its state."""
        release, own = _visible(request, plugin, version)
        response = Response(release_status(release, own=own).to_wire())
        response["Cache-Control"] = "private, no-store"
        return response


class _ActView(MarketView):
    """An act of a publisher on a release."""

    throttle_scopes = {"POST": "market-publish"}
    scope: ClassVar[TokenScope] = TokenScope.YANK

    def release(self, request: Request, plugin: str, version: str) -> Release:
        """Return the publisher's own release.

        Raises:
            ListingNotFoundError: when there is none.
        """
        require_scope(self.token(request), self.scope, plugin)
        return any_release(plugin, version)


class SubmitView(_ActView):
    """Letting a draft be checked."""

    scope = TokenScope.PUBLISH
    operations: ClassVar = {
        "POST": Operation(
            id="submitRelease",
            tag="publishing",
            summary="Let a draft be checked",
            request=SubmitRequest,
            responses={202: PublishedBody},
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, plugin: str, version: str) -> Response:
        """Submit it."""
        release = self.release(request, plugin, version)
        self.read_body(request, SubmitRequest)
        return _accepted(request, submit_release(release))


class YankView(_ActView):
    """Yanking."""

    operations: ClassVar = {
        "POST": Operation(
            id="yankRelease",
            tag="publishing",
            summary="Yank a release: nobody finds or chooses it any more, who pinned it gets it",
            request=YankRequest,
            responses={200: ReleaseStatus},
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, plugin: str, version: str) -> Response:
        """Yank it."""
        release = self.release(request, plugin, version)
        yank_release(release, self.read_body(request, YankRequest).reason)
        return Response(release_status(any_release(plugin, version), own=True).to_wire())


class UnyankView(_ActView):
    """Taking a yank back."""

    operations: ClassVar = {
        "POST": Operation(
            id="unyankRelease",
            tag="publishing",
            summary="Take a yank back",
            request=SubmitRequest,
            responses={200: ReleaseStatus},
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, plugin: str, version: str) -> Response:
        """Take it back."""
        release = self.release(request, plugin, version)
        self.read_body(request, SubmitRequest)
        unyank_release(release)
        return Response(release_status(any_release(plugin, version), own=True).to_wire())


class UnpublishView(_ActView):
    """Removing a plugin."""

    scope = TokenScope.UNPUBLISH
    operations: ClassVar = {
        "POST": Operation(
            id="unpublishPlugin",
            tag="publishing",
            summary="Remove a plugin for ever; its names stay taken",
            request=UnpublishRequest,
            responses={204: None},
            problems=(403, 404, 409),
        )
    }

    def post(self, request: Request, plugin: str) -> Response:
        """Remove it."""
        require_scope(self.token(request), self.scope, plugin)
        reason = self.read_body(request, UnpublishRequest).reason
        unpublish(any_listing(plugin), reason)
        return Response(status=204)


def _accepted(request: Request, release: Release) -> Response:
    """Answer that a release was taken in; a worker checks it."""
    enqueue_check(release)
    plugin_id = release.listing.plugin_id
    address = link(request, "market-release", plugin=plugin_id, version=release.version)
    body = PublishedBody(id=plugin_id, version=release.version, state=release.state, url=address)
    return Response(body.to_wire(), status=202, headers={"Location": address})


def _visible(request: Request, plugin: str, version: str) -> tuple[Release, bool]:
    """Return a release, and whether its own publisher asks; to others only what is public is there."""
    token = request.auth
    release = any_release(plugin, version)
    own = isinstance(token, PublisherToken) and token.publisher_id == release.listing.publisher_id
    if not own and release.state not in PUBLIC:
        raise ListingNotFoundError(f"This marketplace has no release {version[:64]!a} of {plugin[:200]!a}.")
    return release, own
