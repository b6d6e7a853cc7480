"""The OpenAPI 3.1 document, made from the operations of the views; it needs no setting of the project."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Protocol, cast

from django.conf import settings
from django.urls import URLPattern
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from gridkit_django import __version__
from gridkit_django.api.operations import Operation
from gridkit_django.api.problems import MEDIA_TYPE
from gridkit_django.api.serializers.problems import Problem
from gridkit_django.events import REQUEST_ID_HEADER

_DESCRIPTION = "Grids, plugins and the audit trail. Every refusal is an RFC 9457 problem document."


class _DescribedView(Protocol):
    operations: dict[str, Operation]


class GridKitAutoSchema(AutoSchema):
    """Describes a view by its ``operations``; nothing is guessed from models, filters or settings."""

    def get_operation_id(self) -> str:
        """Return the id that the view gives."""
        return self._operation.id

    def get_summary(self) -> str:
        """Return the line that the view gives."""
        return self._operation.summary

    def get_description(self) -> str:  # type: ignore[override]
        """Return what else a caller must know."""
        return self._operation.description

    def get_tags(self) -> list[str]:
        """Return the part of the API."""
        return [self._operation.tag]

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the ways to authenticate; a public endpoint takes them but needs none."""
        ways: list[dict[str, Any]] = [{name: []} for name in security_schemes()]
        return [*ways, {}] if self._operation.public else ways

    def get_request_serializer(self) -> Any:
        """Return the shape of the body."""
        request = self._operation.request
        return {} if request is None else {self._operation.request_type: request}

    def get_response_serializers(self) -> Any:
        """Return the shapes of the answers, problem documents included."""
        answers: dict[Any, Any] = {}
        for status, body in self._operation.responses.items():
            media_type = "application/octet-stream" if body is OpenApiTypes.BINARY else self._media_type
            answers[status, media_type] = OpenApiResponse(cast("Any", body), description=HTTPStatus(status).phrase)
        for status in self._operation.problem_statuses:
            answers[status, MEDIA_TYPE] = OpenApiResponse(cast("Any", Problem), description=HTTPStatus(status).phrase)
        return answers

    def get_override_parameters(self) -> list[Any]:
        """Return the query parameters and headers."""
        statuses = [str(status) for status in (*self._operation.responses, *self._operation.problem_statuses)]
        request_id = OpenApiParameter(
            REQUEST_ID_HEADER, str, OpenApiParameter.HEADER, description="Id of the request.", response=statuses
        )
        return [*self._operation.parameters, request_id]

    @property
    def _operation(self) -> Operation:
        return cast("_DescribedView", self.view).operations[self.method]

    @property
    def _media_type(self) -> str:
        return str(self.view.renderer_classes[0].media_type)


def security_schemes() -> dict[str, dict[str, str]]:
    """Return the ways to authenticate, as OpenAPI writes them."""
    return {
        "basic": {"type": "http", "scheme": "basic"},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "Django's session; unsafe methods also need the header X-CSRFToken.",
        },
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token <key>`, where the project has rest_framework.authtoken installed.",
        },
    }


class _Endpoints(EndpointEnumerator):
    """Lists the endpoints without the hooks of the project's ``SPECTACULAR_SETTINGS``."""

    def get_api_endpoints(self, patterns: Any = None, prefix: str = "") -> list[Any]:
        """Return path, regular expression, method and callback of each endpoint, in the order of the patterns."""
        return list(self._get_api_endpoints(patterns or self.patterns, prefix))  # type: ignore[no-untyped-call]


def describe(patterns: list[URLPattern]) -> dict[str, Any]:
    """Return the document of some URL patterns, without the address that they are mounted at."""
    generator = SchemaGenerator(patterns=patterns)  # type: ignore[no-untyped-call]
    generator.endpoint_inspector_cls = _Endpoints
    generator._initialise_endpoints()  # type: ignore[no-untyped-call]  # noqa: SLF001
    paths: dict[str, Any] = {}
    for path, path_regex, method, view in generator._get_paths_and_endpoints():  # type: ignore[no-untyped-call]  # noqa: SLF001
        operation = view.schema.get_operation(path, path_regex, "", method, generator.registry)
        paths.setdefault(path, {})[method.lower()] = operation
    info = {"title": "GridKit for Django", "version": __version__, "description": _DESCRIPTION}
    components = generator.registry.build({"securitySchemes": security_schemes()})
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}
