"""What an endpoint is, said once: the base view enforces it, and the OpenAPI document is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from pydantic import BaseModel

Answer: TypeAlias = type[BaseModel] | OpenApiTypes | dict[str, Any] | None
"""The shape of an answer: a model, bytes, a JSON Schema, or nothing."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One HTTP method of one endpoint.

    Attributes:
        id: operation id in the OpenAPI document; camelCase, never renamed.
        tag: the part of the API that it belongs to.
        summary: what it does, in one line.
        responses: status to the shape of the answer.
        description: what else a caller must know.
        request: shape of the body, or None when it takes none.
        request_type: media type of the body.
        parameters: query parameters and headers; a query parameter that is not listed is refused.
        problems: statuses that it answers with problem documents, beside those that every endpoint has.
        public: whether it answers without authentication.
    """

    id: str
    tag: str
    summary: str
    responses: Mapping[int, Answer]
    description: str = ""
    request: type[BaseModel] | None = None
    request_type: str = "application/json"
    parameters: tuple[OpenApiParameter, ...] = ()
    problems: tuple[int, ...] = ()
    public: bool = False

    @property
    def query_names(self) -> frozenset[str]:
        """The names of the query parameters."""
        return frozenset(item.name for item in self.parameters if item.location == OpenApiParameter.QUERY)

    @property
    def problem_statuses(self) -> tuple[int, ...]:
        """All statuses that come with a problem document, in order."""
        statuses = {400, 422, 500, *self.problems}
        if not self.public:
            statuses |= {401, 429}
        if self.request is not None:
            statuses |= {403, 413, 415}
        return tuple(sorted(statuses))


def query_parameter(name: str, description: str, schema: Any = str) -> OpenApiParameter:
    """Describe an optional query parameter."""
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description)


def header_parameter(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    """Describe a request header."""
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description, required=required)


def response_header(name: str, description: str, *statuses: int) -> OpenApiParameter:
    """Describe a response header of these statuses."""
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, description=description, response=[str(status) for status in statuses]
    )
