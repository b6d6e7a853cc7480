"""Copies of plain data: what one plugin hands to another, or to the core, shares nothing with what it keeps."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

from gridkit_django.typing import JSONValue

_CHARACTER_BYTES = 12
"""What one character takes in JSON at most: two escapes, for one outside of the basic plane."""

_SCALAR_CHARACTERS = 6
"""As how many characters a number, a truth value, a null or the signs around a value count; 20 digits are fewer."""

_CONSTANTS = frozenset({bool, type(None)})
_LEAST, _MOST = -(2**63), 2**63


def plain_copy(value: Any, most: int) -> JSONValue:
    """Return a copy of a JSON value, as it would come back from JSON text.

    What JSON would leave as it is, is copied without its text; the text is made only to measure what may be too large,
    and for what JSON would change (a tuple, a key that is a number).

    Args:
        value: what is copied.
        most: how many bytes its JSON text may have.

    Raises:
        ValueError: when it is no JSON; the text says why.
        OverflowError: when it is larger; the text says how large it is.
    """
    try:
        copied, characters = _copy(value)
    except (_NotPlainError, RuntimeError):
        return _through_text(value, most)
    if characters * _CHARACTER_BYTES > most:
        _text(value, most)
    return copied


class _NotPlainError(Exception):
    """Not a value that is its own copy after JSON."""


def _copy(value: Any) -> tuple[JSONValue, int]:
    """Return a copy, and no fewer characters than its text has.

    Raises:
        _NotPlainError: when JSON would refuse or change it.
        RecursionError: when it is too deep, or holds itself.
    """
    kind, characters = type(value), _SCALAR_CHARACTERS
    if kind is dict:
        made: dict[str, JSONValue] = {}
        for key, item in value.items():
            if type(key) is not str:
                raise _NotPlainError
            kind = type(item)
            if kind is str:
                made[key] = item
                characters += len(item)
            elif kind in _CONSTANTS or (kind is int and _LEAST <= item <= _MOST):
                made[key] = item
            else:
                made[key], inside = _copy(item)
                characters += inside
            characters += len(key) + _SCALAR_CHARACTERS
        return made, characters
    if kind is list:
        parts: list[JSONValue] = []
        for item in value:
            part, inside = (item, len(item) + _SCALAR_CHARACTERS) if type(item) is str else _copy(item)
            parts.append(part)
            characters += inside
        return parts, characters
    if kind is str:
        return value, characters + len(value)
    if kind in _CONSTANTS or (kind is int and _LEAST <= value <= _MOST) or (kind is float and value - value == 0.0):
        return value, characters
    raise _NotPlainError


def _through_text(value: Any, most: int) -> JSONValue:
    copied: JSONValue = json.loads(_text(value, most))
    return copied


def _text(value: Any, most: int) -> str:
    """Return the JSON text of a value.

    Raises:
        ValueError: when it has none.
        OverflowError: when it is too long.
    """
    try:
        text = json.dumps(value, allow_nan=False, default=_thawed)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(str(error)) from error
    if len(text) > most:
        raise OverflowError(f"{len(text)} bytes; {most} are the most")
    return text


def _thawed(value: Any) -> dict[str, Any]:
    """Return a frozen mapping, such as the state of a grid or the payload of an event, as a dict.

    Raises:
        TypeError: for everything else that JSON does not know.
    """
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
