"""Refusals that belong to HTTP itself, beside those of DRF. What the services refuse is in the one error tree."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError
from rest_framework.exceptions import APIException, PermissionDenied

from gridkit_django.exceptions import ErrorItem
from gridkit_django.grids.pointers import pointer


class BodyTooLargeError(APIException):
    """The body is larger than ``BODY_BYTES_MAX`` (RFC 9110, 15.5.14)."""

    status_code = 413
    default_code = "body-too-large"


class BodyInvalidError(APIException):
    """The body is JSON, but not of the shape that this endpoint takes (RFC 9110, 15.5.21).

    Args:
        errors: every fault, with a JSON Pointer into the body.
    """

    status_code = 422
    default_code = "body-invalid"

    def __init__(self, errors: Iterable[ErrorItem]) -> None:
        super().__init__("The body breaks the schema of this endpoint; errors says where and what was expected.")
        self.errors = tuple(errors)

    @classmethod
    def of_pydantic(cls, error: ValidationError) -> BodyInvalidError:
        """Translate pydantic's faults."""
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return cls(
            ErrorItem(
                pointer(*fault["loc"]),
                "key-unknown" if fault["type"] == "extra_forbidden" else fault["type"].replace("_", "-"),
                fault["msg"],
            )
            for fault in faults
        )


class HeaderInvalidError(APIException):
    """A request header does not follow its grammar."""

    status_code = 400
    default_code = "header-invalid"


class RangeUnsatisfiableError(APIException):
    """The range that was asked for lies outside of the file (RFC 9110, 15.5.17).

    Args:
        size: bytes of the file.
    """

    status_code = 416
    default_code = "range-unsatisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes; the range that was asked for lies outside of it.")
        self.size = size


class MetricsUnavailableError(APIException):
    """The library that writes metrics is not installed (RFC 9110, 15.6.2)."""

    status_code = 501
    default_code = "metrics-unavailable"
    default_detail = "Metrics need the library of the extra 'metrics': install gridkit-django[metrics]."


class CSRFFailedError(PermissionDenied):
    """The request came with a session but without its CSRF token."""

    default_code = "csrf-failed"
