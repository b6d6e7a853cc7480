"""The API about itself: its OpenAPI document, and the answer at addresses where there is nothing."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import resolve
from drf_spectacular.types import OpenApiTypes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from gridkit_django.api.base import GridKitView
from gridkit_django.api.document import OpenAPIDocument
from gridkit_django.api.links import link
from gridkit_django.api.operations import Operation
from gridkit_django.api.renderers import OpenAPIRenderer


class OpenAPIView(GridKitView):
    """The OpenAPI document; it holds no data, so it is public.

    Attributes:
        document: what it answers; ``as_view`` gets it.
    """

    permission_classes = (AllowAny,)
    renderer_classes = (OpenAPIRenderer,)
    document: OpenAPIDocument | None = None
    operations: ClassVar = {
        "GET": Operation(
            id="getOpenAPI",
            tag="api",
            summary="Read the OpenAPI document of this API",
            responses={200: OpenApiTypes.OBJECT},
            public=True,
        )
    }

    def get(self, request: Request) -> Response:
        """Answer the document."""
        server = link(request, "openapi").removesuffix("/schema/")
        return Response(self.document and self.document.mounted_at(server))


class NothingHereView(GridKitView):
    """Answers every other address below the prefix, so that a wrong path is a problem document, too.

    A path that only lacks its last slash is redirected with 308, which keeps method and body (RFC 9110, 15.4.9);
    Django's own redirect would lose them.
    """

    permission_classes = (AllowAny,)
    schema = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect where a slash helps, else go the usual way."""
        if not request.path.endswith("/") and _is_endpoint(request.path_info + "/"):
            target = request.get_full_path(force_append_slash=True)
            return HttpResponsePermanentRedirect(target, preserve_request=True)
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        """Say that there is nothing.

        Raises:
            Http404: always.
        """
        raise Http404


def _is_endpoint(path: str) -> bool:
    """Whether another view than the catch-all answers at ``path``, which the catch-all is sure to match itself."""
    return getattr(resolve(path).func, "cls", None) is not NothingHereView
