"""Reads JSON values strictly: what was not expected is refused, with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gridkit_django.exceptions import QueryError, QueryLimitError
from gridkit_django.grids.columns.text import storable

_NAME_LENGTH = 100


def read_object(raw: Any, at: str, known: Iterable[str]) -> Mapping[str, Any]:
    """Return a JSON object that holds no unknown key.

    Args:
        raw: what was sent.
        at: where it stands (JSON Pointer, RFC 6901).
        known: the keys that it may hold.

    Raises:
        QueryError: when it is no object, or holds another key.
    """
    known = sorted(known)
    if not isinstance(raw, Mapping):
        raise QueryError.at(at, f"Expected an object with the keys {', '.join(known)}.")
    for key in raw:
        if key not in known:
            raise QueryError.at(at, f"Unknown key {str(key)[:_NAME_LENGTH]!a}; known here are {', '.join(known)}.")
    return raw


def read_list(raw: Any, at: str, most: int) -> Sequence[Any]:
    """Return a JSON array of at most ``most`` items.

    Raises:
        QueryError: when it is no array.
        QueryLimitError: when it is longer.
    """
    if isinstance(raw, (str, bytes)) or not isinstance(raw, Sequence):
        raise QueryError.at(at, "Expected a list.")
    if len(raw) > most:
        raise QueryLimitError.at(at, f"The list has {len(raw)} items; at most {most} are allowed.")
    return raw


def read_text(raw: Any, at: str, most: int = _NAME_LENGTH) -> str:
    """Return a string of at most ``most`` characters that a database can take.

    Raises:
        QueryError: when it is no string, or holds NUL or lone surrogates.
        QueryLimitError: when it is longer.
    """
    if not isinstance(raw, str):
        raise QueryError.at(at, "Expected a string.")
    if len(raw) > most:
        raise QueryLimitError.at(at, f"The text has {len(raw)} characters; at most {most} are allowed.")
    if not storable(raw):
        raise QueryError.at(at, "The text holds NUL characters or lone surrogates.")
    return raw


def read_word(raw: Any, at: str, words: Iterable[str]) -> str:
    """Return one of the given words.

    Raises:
        QueryError: when it is none of them.
    """
    allowed = tuple(words)
    if not isinstance(raw, str) or raw not in allowed:
        raise QueryError.at(at, f"Expected one of {', '.join(allowed)}.")
    return raw


def read_whole(raw: Any, at: str, least: int, most: int) -> int:
    """Return a whole number between ``least`` and ``most``.

    Raises:
        QueryError: when it is no whole number, or below ``least``.
        QueryLimitError: when it is above ``most``.
    """
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < least:
        raise QueryError.at(at, f"Expected a whole number from {least} to {most}.")
    if raw > most:
        raise QueryLimitError.at(at, f"The number is over the limit of {most}.")
    return raw
