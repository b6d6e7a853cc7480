"""Reading JSON bodies: bounded in size and depth, and strict where the json module is lax."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from gridkit_django.api.refusals import BodyTooLargeError
from gridkit_django.conf import settings

DEPTH_MAX = 64
"""Levels of arrays and objects in a body. Filter trees have their own, smaller limit."""

# A string without an end reaches to the end of the text: else each of its quotes would start a search of its own, and
# the time would grow with the square of the body. ``json.loads`` refuses such a text afterwards.
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
_ODD_ESCAPES = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")


class StrictJSONParser(BaseParser):
    """Parses ``application/json`` within the limits of the settings."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the parsed body.

        Raises:
            BodyTooLargeError: for more than ``BODY_BYTES_MAX`` bytes.
            ParseError: when the body is no JSON, too deep, or ambiguous.
        """
        limit = settings().BODY_BYTES_MAX
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise BodyTooLargeError(f"The request body is larger than {limit} bytes. Send less in one request.")
        return parse_json(raw)


def parse_json(raw: bytes | str) -> Any:
    """Parse JSON text as RFC 8259 means it, and refuse what would be silently changed or ignored.

    Args:
        raw: the text, or its UTF-8 bytes.

    Raises:
        ParseError: for broken JSON, more than ``DEPTH_MAX`` levels, a name twice in one object, NaN and infinite
            numbers, and text that no database can store (NUL, half of a surrogate pair).
    """
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        _check_depth(text)
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_duplicates
        )
        if _ODD_ESCAPES.search(text):
            _check_text(value)
    except ValueError as error:
        raise ParseError(f"The text is no valid JSON: {error}.") from error
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(_STRINGS.sub('""', text)):
        depth += 1 if match.group() in "[{" else -1
        if depth > DEPTH_MAX:
            raise ParseError(f"The JSON is nested deeper than {DEPTH_MAX} levels. Send a flatter body.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number (RFC 8259, 6)")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _value in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice[:40]!r} stands twice in one object")
    return result


def _check_text(value: Any) -> None:
    """Refuse text that UTF-8 or a database can't hold; called only when the source has such an escape."""
    if isinstance(value, str):
        _check_storable(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_storable(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


def _check_storable(text: str) -> None:
    if "\0" in text:
        raise ValueError("a text holds the NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("a text holds half of a surrogate pair") from error
