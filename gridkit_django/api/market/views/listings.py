"""One plugin, what changed, and the files."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, ClassVar

from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.market.base import MarketView, public_response
from gridkit_django.api.market.bodies import ChangesPage, Detail
from gridkit_django.api.market.writing import changed_listing, detail
from gridkit_django.api.operations import Operation, query_parameter
from gridkit_django.api.parameters import whole_number
from gridkit_django.marketplace import trust
from gridkit_django.marketplace.shelf.reading import changes_since, public_file, public_listing, public_picture
from gridkit_django.marketplace.shelf.signing import signs
from gridkit_django.marketplace.shelf.storing import opened

_FOR_EVER = "public, max-age=31536000, immutable"


class ListingView(MarketView):
    """One plugin."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketPlugin",
            tag="market",
            summary="Read everything about a plugin",
            responses={200: Detail, 304: None},
            problems=(404,),
            public=True,
        )
    }

    def get(self, request: Request, plugin: str) -> Response:
        """Answer it."""
        listing = public_listing(plugin)
        return public_response(request, detail(listing).to_wire(), f"d{listing.pk}-{listing.serial}")


class ChangesView(MarketView):
    """What changed: what the catalogues of other sites follow."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketChanges",
            tag="market",
            summary="Read what changed after a serial",
            description="At most 200 plugins a page; ask again from the answer's `serial` as long as `more` is true.",
            responses={200: ChangesPage, 304: None},
            parameters=(query_parameter("since", "The serial that the caller has; 0 for all.", int),),
            public=True,
        )
    }

    def get(self, request: Request) -> Response:
        """Answer a page."""
        since = whole_number(request, "since", default=0, low=0, high=10**15)
        found = changes_since(since)
        body = ChangesPage(
            serial=found.serial,
            more=found.more,
            listings=[changed_listing(listing) for listing in found.listings],
            removed=list(found.removed),
        )
        return public_response(request, body.to_wire(), f"h{since}-{found.serial}", seconds=0)


class FileView(MarketView):
    """The wheel of a release; yanked ones too, for whoever asks for exactly them."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketFile",
            tag="market",
            summary="Download the file of a release",
            responses={200: OpenApiTypes.BINARY},
            problems=(404,),
            public=True,
        )
    }

    def get(self, request: Request, sha256: str, filename: str) -> HttpResponseBase:
        """Answer the bytes; they never change."""
        file = public_file(sha256, filename)
        response = FileResponse(opened(file.stored_as), content_type="application/octet-stream")
        response["Content-Length"] = str(file.size)
        response["Content-Disposition"] = f'attachment; filename="{file.filename}"'
        return _kept(response, sha256)


class FileMetadataView(MarketView):
    """The core metadata of a release (PEP 658 and 714): a resolver need not fetch the file for it."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketFileMetadata",
            tag="market",
            summary="Download the core metadata of a release",
            responses={200: OpenApiTypes.BINARY},
            problems=(404,),
            public=True,
        )
    }

    def get(self, request: Request, sha256: str, filename: str) -> HttpResponseBase:
        """Answer the text."""
        content = public_file(sha256, filename).release.core_metadata.encode()
        return _kept(HttpResponse(content, content_type="application/octet-stream"), digest_of(content))


class TrustView(MarketView):
    """The signed metadata (TUF) that clients believe."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketTrust",
            tag="market",
            summary="Read a file of the signed metadata",
            responses={200: OpenApiTypes.OBJECT},
            problems=(404,),
            public=True,
        )
    }

    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Answer the file; only what is written anew under its name may not be kept.

        Raises:
            Http404: when there is none.
        """
        content = trust.TrustRepository.of_site().read(name) if signs() else None
        if content is None:
            raise Http404
        response = HttpResponse(content, content_type="application/json")
        if name[:1].isdigit():
            return _kept(response, digest_of(content))
        response["Cache-Control"] = "no-cache"
        return response


class AdvisoriesView(MarketView):
    """The feed of advisories; the signed metadata stands for its bytes."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketAdvisories",
            tag="market",
            summary="Read what the marketplace says of versions that turned out bad",
            responses={200: OpenApiTypes.OBJECT},
            public=True,
        )
    }

    def get(self, request: Request) -> HttpResponseBase:
        """Answer the feed, byte by byte as it is signed; an empty one where nothing is signed."""
        feed = trust.published_feed(trust.TrustRepository.of_site()) if signs() else trust.AdvisoryFeed()
        content = feed.to_bytes()
        response = HttpResponse(content, content_type="application/json")
        response["ETag"] = f'"{digest_of(content)}"'
        response["Cache-Control"] = "public, max-age=60"
        return response


class PictureView(MarketView):
    """A screenshot or an icon: always a PNG that this site drew, whatever was uploaded."""

    operations: ClassVar = {
        "GET": Operation(
            id="getMarketPicture",
            tag="market",
            summary="Download a picture of a plugin",
            responses={200: OpenApiTypes.BINARY},
            problems=(404,),
            public=True,
        )
    }

    def get(self, request: Request, sha256: str) -> HttpResponseBase:
        """Answer the picture; a browser must not take it for anything else."""
        response = FileResponse(opened(public_picture(sha256)), content_type="image/png")
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response["Cross-Origin-Resource-Policy"] = "cross-origin"
        return _kept(response, sha256)


def digest_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hex."""
    return sha256(content).hexdigest()


def _kept(response: Any, tag: str) -> HttpResponseBase:
    response["ETag"] = f'"{tag}"'
    response["Cache-Control"] = _FOR_EVER
    return response  # type: ignore[no-any-return]
