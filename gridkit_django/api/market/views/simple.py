"""The simple index of Python packages, as JSON and read-only (PEP 691, 700, 714): for pip, uv, devpi, Artifactory."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from packaging.utils import canonicalize_name
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.market.base import MarketView, public_response
from gridkit_django.api.operations import Operation
from gridkit_django.api.renderers import CompactJSONRenderer
from gridkit_django.marketplace.shelf.reading import public_listings, releases_of, with_releases
from gridkit_django.marketplace.shelf.serials import current_serial
from gridkit_django.models import Release

_API_VERSION = "1.1"
_SECONDS = 600


class SimpleRenderer(CompactJSONRenderer):
    """JSON of the simple index."""

    media_type = "application/vnd.pypi.simple.v1+json"


class SimpleIndexView(MarketView):
    """All projects."""

    renderer_classes = (SimpleRenderer,)
    operations: ClassVar = {
        "GET": Operation(
            id="getSimpleIndex",
            tag="simple index",
            summary="List the distributions",
            responses={200: OpenApiTypes.OBJECT, 304: None},
            public=True,
        )
    }

    def get(self, request: Request) -> Response:
        """Answer their names."""
        serial = current_serial()
        names = public_listings().order_by("distribution").values_list("distribution", flat=True)
        body = {
            "meta": {"api-version": _API_VERSION, "_last-serial": serial},
            "projects": [{"name": name} for name in names],
        }
        return _answer(request, body, f"i{serial}", serial)


class SimpleProjectView(MarketView):
    """The files of a project."""

    renderer_classes = (SimpleRenderer,)
    operations: ClassVar = {
        "GET": Operation(
            id="getSimpleProject",
            tag="simple index",
            summary="List the files of a distribution",
            responses={200: OpenApiTypes.OBJECT, 304: None},
            problems=(404,),
            public=True,
        )
    }

    def get(self, request: Request, project: str) -> Response:
        """Answer them; yanked ones are in it with their reason.

        Raises:
            Http404: when there is no such distribution.
        """
        rows = with_releases(public_listings())
        listing = rows.filter(distribution=canonicalize_name(project)).first()
        if listing is None:
            raise Http404
        releases = releases_of(listing)
        body = {
            "meta": {"api-version": _API_VERSION, "_last-serial": listing.serial},
            "name": listing.distribution,
            "versions": [release.version for release in releases],
            "files": [_file(release) for release in releases],
        }
        return _answer(request, body, f"p{listing.pk}-{listing.serial}", listing.serial)


def _file(release: Release) -> dict[str, Any]:
    file = release.file
    metadata = hashlib.sha256(release.core_metadata.encode()).hexdigest()
    told: dict[str, Any] = {
        "filename": file.filename,
        "url": f"../../files/{file.sha256}/{file.filename}",
        "hashes": {"sha256": file.sha256},
        "size": file.size,
        "upload-time": release.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "core-metadata": {"sha256": metadata},
        "yanked": release.yanked_reason or False,
    }
    return {**told, "requires-python": release.python_version} if release.python_version else told


def _answer(request: Request, body: dict[str, Any], tag: str, serial: int) -> Response:
    response = public_response(request, body, tag, seconds=_SECONDS)
    response["X-PyPI-Last-Serial"] = str(serial)
    return response
