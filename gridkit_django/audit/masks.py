"""Masks: what stands in a record in place of a value that must not be there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

MASK = "***"
"""Stands for every value of a masked field, whatever its length, and for NULL: not even that there was none is told."""


def _end(text: str) -> str:
    """Keep the last four characters, where that leaves out more than half."""
    return f"{MASK}{text[-4:]}" if len(text) > 8 else MASK


def _email(text: str) -> str:
    """Keep the domain."""
    return f"{MASK}@{text.rpartition('@')[2]}" if "@" in text else MASK


def _year(text: str) -> str:
    """Keep the year of an ISO 8601 date."""
    return f"{text[:4]}-{MASK}" if re.match(r"\d{4}-\d\d-\d\d", text) else MASK


def _initial(text: str) -> str:
    """Keep the first letter, where more than one more follows."""
    return f"{text[0]}{MASK}" if len(text) > 2 else MASK


def _network(text: str) -> str:
    """Keep the first two parts of an IPv4 address and the first three groups of an IPv6 address."""
    if re.fullmatch(r"\d+(\.\d+){3}", text):
        return ".".join([*text.split(".")[:2], MASK])
    groups = text.split(":")
    return ":".join([*groups[:3], MASK]) if len(groups) > 4 and "" not in groups[:3] else MASK


MASK_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"full": lambda _text: MASK, "end": _end, "email": _email, "year": _year, "initial": _initial, "network": _network}
)
"""How a value can be masked. All but ``full`` tell a part of it, so they are for those who ask for them by name."""


def masked(value: Any, form: str = "full") -> str:
    """Return what stands for a value.

    Args:
        value: the value as a record would hold it. A form that keeps a part reads texts and numbers; NULL, lists and
            objects are masked whole.
        form: one of ``MASK_FORMS``.
    """
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return MASK_FORMS[form](str(value))
    return MASK
