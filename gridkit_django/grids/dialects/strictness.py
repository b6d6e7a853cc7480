"""Reads parts of foreign requests strictly: what a dialect does not know is refused, with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from gridkit_django.exceptions import DialectError

_NAME_LENGTH = 100
ITEMS_MAX = 1000
"""Items of a list in a request at most; the engine's own limits are smaller for most lists."""


def known_object(raw: Any, at: str, known: Iterable[str]) -> Mapping[str, Any]:
    """Return an object that holds no key which the dialect does not know.

    Raises:
        DialectError: when it is no object, or holds another key.
    """
    if not isinstance(raw, Mapping):
        raise DialectError.at(at, "Expected an object.")
    allowed = frozenset(known)
    for key in raw:
        if key not in allowed:
            listed = ", ".join(sorted(allowed))
            raise DialectError.at(at, f"{str(key)[:_NAME_LENGTH]!a} is not understood here; understood are {listed}.")
    return raw


def plain_list(raw: Any, at: str) -> Sequence[Any]:
    """Return a list; null and nothing are an empty one.

    Raises:
        DialectError: for anything else, and for a list of more than ``ITEMS_MAX``.
    """
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise DialectError.at(at, "Expected a list.")
    if len(raw) > ITEMS_MAX:
        raise DialectError.at(at, f"The list has {len(raw)} items; at most {ITEMS_MAX} are allowed.")
    return raw


def flag(raw: Any, at: str) -> bool:
    """Return true or false; null and nothing are false.

    Raises:
        DialectError: for anything else.
    """
    if raw is None or isinstance(raw, bool):
        return bool(raw)
    raise DialectError.at(at, "Expected true or false.")


def text(raw: Any, at: str) -> str:
    """Return a text.

    Raises:
        DialectError: for anything else.
    """
    if not isinstance(raw, str):
        raise DialectError.at(at, "Expected a text.")
    return raw


def whole(raw: Any, at: str) -> int:
    """Return a whole number that is not negative.

    Raises:
        DialectError: for anything else.
    """
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise DialectError.at(at, "Expected a whole number that is not negative.")
    return raw


def word(raw: Any, at: str, words: Iterable[str], what: str) -> str:
    """Return one of the words that a dialect understands.

    Args:
        raw: what was sent.
        at: where it stands (JSON Pointer).
        words: what is understood.
        what: what the words are, for the error.

    Raises:
        DialectError: for anything else.
    """
    allowed = tuple(words)
    if not isinstance(raw, str) or raw not in allowed:
        sent = f"{raw[:_NAME_LENGTH]!a}" if isinstance(raw, str) else "This"
        raise DialectError.at(at, f"{sent} is no {what} that is understood here; understood are {', '.join(allowed)}.")
    return raw


def direction(raw: Any, at: str) -> Literal["asc", "desc"]:
    """Return a direction of sorting.

    Raises:
        DialectError: for anything but ``asc`` and ``desc``.
    """
    return "asc" if word(raw, at, ("asc", "desc"), "direction") == "asc" else "desc"


def join_word(raw: Any, at: str) -> Literal["and", "or"]:
    """Return how conditions are joined, whatever the case of the letters.

    Raises:
        DialectError: for anything but ``and`` and ``or``.
    """
    lower = raw.lower() if isinstance(raw, str) else raw
    return "and" if word(lower, at, ("and", "or"), "way to join conditions") == "and" else "or"
