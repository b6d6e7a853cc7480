"""JSON columns that can always be read: one odd value must not keep a reader from all the others."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from django.db import models

_DEPTH_SHOWN = 200
"""Levels that are told of a document that is too deep for Python."""

_CUT = '"…"'


class DocumentField(models.JSONField):
    """A JSON field; what Python can't read is told in part, while the column keeps it whole.

    A database holds numbers and depths that Python refuses, and other programs than Django may write them.
    """

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return a value as Python has it: numbers that it has none for as their text, what is too deep as ``…``."""
        if not isinstance(value, str):
            return super().from_db_value(value, expression, connection)
        try:
            return _USUAL.decode(value)
        except json.JSONDecodeError:  # no document: what a lookup has taken out of one
            return value
        except (ValueError, RecursionError):
            return _PATIENT.decode(_shallow(value))

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        """Return what migrations know: the column is that of any JSON field."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.JSONField", arguments, options


def _fraction(token: str) -> float | str:
    number = float(token)
    return number if math.isfinite(number) else token


def _whole(token: str) -> int | str:
    try:
        return int(token)
    except ValueError:  # more digits than Python reads
        return token


_USUAL = json.JSONDecoder(parse_float=_fraction)
_PATIENT = json.JSONDecoder(parse_float=_fraction, parse_int=_whole)

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{\]}]')


def _shallow(text: str) -> str:
    """Return a document without what is deeper than ``_DEPTH_SHOWN`` levels."""
    parts: list[str] = []
    depth = start = 0
    for found in _TOKEN.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth == _DEPTH_SHOWN + 1:
                parts += (text[start : found.start()], _CUT)
        elif found[0] in "]}":
            if depth == _DEPTH_SHOWN + 1:
                start = found.end()
            depth -= 1
    return "".join((*parts, text[start:]))
