"""Requests of other grids and their answers: their shape is each product's own (docs/reference/dialects.md).

The dialects read and judge; here is only said that both are objects.
"""

from __future__ import annotations

from pydantic import ConfigDict

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody


class DialectRequest(RequestBody):
    """The request of another grid, as that grid makes it."""

    model_config = ConfigDict(extra="allow")


class DialectAnswer(ResponseBody):
    """What the other grid reads. A flat row has its id under `$id`, and its version under `$v`."""

    model_config = ConfigDict(extra="allow")
