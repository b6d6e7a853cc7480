"""A call of a plugin's method, as the plugin sees it: plain values, no request and no user object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gridkit_django.grids.methods import MethodCall, MethodResult
from gridkit_django.typing import JSONObject, JSONValue

__all__ = ["MethodCall", "MethodHandler", "MethodResult", "RegisteredMethod"]

MethodHandler: TypeAlias = Callable[[MethodCall], "JSONValue | MethodResult"]
"""What a plugin registers: takes the call, returns a JSON value (answered with 200) or a whole ``MethodResult``."""


MethodSchema: TypeAlias = JSONObject | Callable[[str], JSONObject]
"""The schema of a method's arguments: the same for all grids, or made for the id of a grid."""


@dataclass(frozen=True, slots=True)
class RegisteredMethod:
    """One method that a plugin offers on the grids that it serves.

    Attributes:
        name: the last part of its address.
        handler: what is called.
        schema: JSON Schema (2020-12) of the arguments, or a function that returns it for the id of a grid.
        label: a name for people.
        right: the user right that a caller needs (``edit_grid``, ``export_grid``); None for all who may open it.
    """

    name: str
    handler: MethodHandler
    schema: MethodSchema
    label: str
    right: str | None = None
