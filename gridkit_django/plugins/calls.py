"""A call of a plugin's method, as the plugin sees it: plain values, no request and no user object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

from gridkit_django.typing import JSONObject, JSONValue

if TYPE_CHECKING:
    from gridkit_django.grids.methods import MethodCall, MethodResult

MethodHandler: TypeAlias = Callable[["MethodCall"], Union[JSONValue, "MethodResult"]]
"""What a plugin registers: takes the call, returns a JSON value (answered with 200) or a whole ``MethodResult``."""


@dataclass(frozen=True, slots=True)
class RegisteredMethod:
    """One method that a plugin offers on the grids that it serves.

    Attributes:
        name: the last part of its address.
        handler: what is called.
        schema: JSON Schema (2020-12) of the arguments.
        label: a name for people.
        right: the user right that a caller needs (``edit_grid``, ``export_grid``); None for all who may open it.
    """

    name: str
    handler: MethodHandler
    schema: JSONObject
    label: str
    right: str | None = None
