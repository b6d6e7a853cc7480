"""How a value reads as text, in the formats that know only text."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


def cell_text(value: Any) -> str:
    """Return ``value`` as exact text.

    Nothing is rounded and nothing depends on a locale: decimals keep every digit and never use an exponent, points in
    time are ISO 8601 with their offset, JSON is compact JSON, and NULL is the empty text.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (date, time, datetime)):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
