"""The two kinds of body: requests are strict, responses are written under camelCase names."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from gridkit_django.api.serializers.descriptions import DescribedBody


class RequestBody(DescribedBody):
    """A body that comes in: unknown keys are refused, and no value is converted to fit."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class ResponseBody(DescribedBody):
    """A body that goes out."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    def to_wire(self) -> dict[str, Any]:
        """Return plain JSON values under their names on the wire."""
        return self.model_dump(mode="json", by_alias=True)


class EmptyBody(RequestBody):
    """No body, or an empty object."""
