"""The base of every view: it sets each policy itself, so that the API is the same in every project."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, ClassVar, TypeVar

from django.http import HttpRequest, HttpResponseBase
from pydantic import ValidationError
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.schemas.inspectors import ViewInspector
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from gridkit_django.api.authentication import authenticators
from gridkit_django.api.document import LateSchema
from gridkit_django.api.handler import problem_handler
from gridkit_django.api.operations import Operation
from gridkit_django.api.parsers import StrictJSONParser
from gridkit_django.api.refusals import BodyInvalidError
from gridkit_django.api.renderers import CompactJSONRenderer, SingleFormatNegotiation
from gridkit_django.api.serializers.bodies import RequestBody
from gridkit_django.api.throttling import SettingsRateThrottle
from gridkit_django.events import REASON_LENGTH_MAX, REQUEST_ID_HEADER, EventSource, holding, reason_of, request_act
from gridkit_django.exceptions import ErrorItem, QueryError, ReasonTooLongError

B = TypeVar("B", bound=RequestBody)


class GridKitView(APIView):
    """What all endpoints share.

    Every request runs as its user (``acting``), has an id that comes back as ``X-Request-ID``, and answers errors
    with problem documents. A subclass says in ``operations`` what each HTTP method takes and gives.

    Attributes:
        operations: HTTP method to what it does.
        throttle_scopes: HTTP method to a scope of ``THROTTLE_RATES``.
    """

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated,)
    renderer_classes = (CompactJSONRenderer,)
    parser_classes: tuple[type[BaseParser], ...] = (StrictJSONParser,)
    throttle_classes: tuple[type[BaseThrottle], ...] = (SettingsRateThrottle,)
    content_negotiation_class = SingleFormatNegotiation
    metadata_class = None
    versioning_class = None
    schema: ViewInspector | None = LateSchema()

    operations: ClassVar[Mapping[str, Operation]] = {}
    throttle_scopes: ClassVar[Mapping[str, str]] = {}

    request_id: str = ""
    _started: float = 0.0
    _circumstances: ExitStack

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Return our own authenticators, whatever the project's DRF settings say."""
        return authenticators()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        """Return the handler that makes problem documents."""
        return problem_handler

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Give the request its id, then let DRF dispatch it."""
        self.request_id = request_act(request, EventSource.API).request_id
        self._started = time.perf_counter()
        with ExitStack() as self._circumstances:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate and authorise, then act as the user for the rest of the request.

        Raises:
            QueryError: for a query parameter that the operation does not have.
            ReasonTooLongError: when the header ``X-Change-Reason`` is too long.
        """
        super().initial(request, *args, **kwargs)
        inner = request._request  # noqa: SLF001 - DRF's own name for Django's request
        self._circumstances.enter_context(holding(request_act(inner)))
        if len(reason_of(inner)) > REASON_LENGTH_MAX:
            raise ReasonTooLongError.at("/reason", f"A reason may have {REASON_LENGTH_MAX} characters. Shorten it.")
        self._refuse_unknown_parameters(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the headers that every answer has."""
        result = super().finalize_response(request, response, *args, **kwargs)
        result[REQUEST_ID_HEADER] = self.request_id
        result["X-Content-Type-Options"] = "nosniff"
        result.setdefault("Cache-Control", "private, no-store")
        return result

    def read_body(self, request: Request, shape: type[B]) -> B:
        """Return the checked body.

        Raises:
            BodyInvalidError: when the body breaks ``shape``.
        """
        try:
            return shape.model_validate(request.data)
        except ValidationError as error:
            raise BodyInvalidError.of_pydantic(error) from error

    def elapsed_ms(self) -> float:
        """Return the milliseconds since the request came in."""
        return round((time.perf_counter() - self._started) * 1000, 1)

    def _refuse_unknown_parameters(self, request: Request) -> None:
        operation = self.operations.get("GET" if request.method == "HEAD" else str(request.method))
        known = operation.query_names if operation else frozenset()
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            listed = ", ".join(sorted(known)) or "none"
            errors = [
                ErrorItem(f"?{name}", "parameter-unknown", f"Known parameters here: {listed}.") for name in unknown
            ]
            raise QueryError(f"Unknown query parameter: {', '.join(unknown)}. Known here: {listed}.", errors=errors)
