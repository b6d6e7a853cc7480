"""Problem documents (RFC 9457): every refusal of the API has this one shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404
from rest_framework import exceptions as drf

from gridkit_django.api.refusals import BodyInvalidError, RangeUnsatisfiableError
from gridkit_django.api.statuses import status_of
from gridkit_django.exceptions import ErrorItem, GridKitError, PluginError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:gridkit:problem:"

_SERVER_FAULT = (
    "Something went wrong on the server; nothing of its inside is shown here. "
    "Give the requestId to the administrator, who finds the cause in the log."
)
_CODES: Mapping[type[drf.APIException], str] = MappingProxyType(
    {drf.ParseError: "body-unreadable", drf.UnsupportedMediaType: "media-type-unsupported"}
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a problem document says.

    Attributes:
        status: the HTTP status.
        code: stable and kebab-case; clients branch on it.
        detail: what happened, what was expected and what to do next.
        errors: the single faults.
        extra: more members, such as ``current`` and ``yours`` of a version conflict.
        headers: headers of the response.
    """

    status: int
    code: str
    detail: str
    errors: tuple[ErrorItem, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self, *, instance: str, request_id: str) -> dict[str, Any]:
        """Return the document.

        Args:
            instance: path of the request.
            request_id: id of the request, as in the header ``X-Request-ID`` and in the log.
        """
        return {
            **self.extra,
            "type": TYPE_PREFIX + self.code,
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "errors": [{"pointer": item.pointer, "code": item.code, "detail": item.detail} for item in self.errors],
            "requestId": request_id,
        }


def problem_of(error: Exception) -> Problem:
    """Say what a client may know about ``error``.

    The errors of our tree speak for themselves, unless they are faults of the site (500): only those of plugins
    name what failed. Everything that is not made for the client is a bare 500.
    """
    if isinstance(error, GridKitError):
        return _of_ours(error)
    if isinstance(error, drf.APIException):
        return _of_drf(error)
    if isinstance(error, Http404):
        return Problem(404, "not-found", "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return Problem(403, "permission-denied", "You may not do this.")
    if isinstance(error, SuspiciousOperation):
        return Problem(400, "request-suspicious", "The request was refused because it looks malformed.")
    return Problem(500, "server-error", _SERVER_FAULT)


def _of_ours(error: GridKitError) -> Problem:
    status = status_of(error)
    if status >= 500 and not isinstance(error, PluginError):
        return Problem(status, error.code, _SERVER_FAULT)
    return Problem(status, error.code, error.detail, error.errors, error.extra)


def _of_drf(error: drf.APIException) -> Problem:
    code = _CODES.get(type(error), str(error.default_code).replace("_", "-"))
    errors = error.errors if isinstance(error, BodyInvalidError) else ()
    return Problem(error.status_code, code, str(error.detail), errors, headers=_headers(error))


def _headers(error: drf.APIException) -> dict[str, str]:
    """Return the headers that DRF hangs on its errors."""
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(wait)
    if isinstance(error, RangeUnsatisfiableError):
        headers["Content-Range"] = f"bytes */{error.size}"
    return headers
