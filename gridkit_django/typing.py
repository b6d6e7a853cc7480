"""Types and protocols shared by all rooms. No logic lives here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

JSONValue: TypeAlias = Union[str, int, float, bool, Sequence["JSONValue"], Mapping[str, "JSONValue"], None]
"""What can cross the wire, the plugin context and a JSON column."""

JSONObject: TypeAlias = Mapping[str, JSONValue]
"""A JSON object that nobody changes."""

MutableJSONObject: TypeAlias = dict[str, JSONValue]
"""A JSON object that is being built."""

User: TypeAlias = Union["AbstractBaseUser", "AnonymousUser"]
"""Whoever makes a request."""
