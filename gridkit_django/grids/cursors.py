"""Cursors: the sort keys of a row, signed, with a seal of the question they belong to.

A cursor is signed and not encrypted. It holds the row's id and values of columns that the user sorted by, and so saw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from django.core import signing

from gridkit_django.exceptions import CursorError, CursorMismatchError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.sorting import OrderTerm

Direction: TypeAlias = Literal["after", "before"]

_SALT = "gridkit_django.grids.cursors"
_FORMAT = 2


def query_seal(access: GridAccess, query: GridQuery) -> str:
    """Return a short digest of all that decides which rows come in which order.

    Args:
        access: the grid and the columns that the user may see: when they change, old cursors end.
        query: the query with its effective sort.
    """
    asked = query.to_dict()
    facts = {key: asked.get(key) for key in ("sort", "filter", "search", "tz", "group", "path", "aggregates", "pivot")}
    facts |= {"format": _FORMAT, "grid": access.grid_id, "columns": list(access.by_id)}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def make_cursor(terms: Sequence[OrderTerm], keys: Sequence[Any], direction: Direction, seal: str) -> str:
    """Sign the place of a row.

    Args:
        terms: the order.
        keys: the row's sort keys, one for each term.
        direction: whether the cursor leads to the rows after or before the row.
        seal: the digest of the query.
    """
    values = [term.column.to_cursor(key) for term, key in zip(terms, keys, strict=True)]
    return signing.dumps({"k": values, "d": direction, "h": seal}, salt=_SALT, compress=True)


def read_cursor(cursor: str, terms: Sequence[OrderTerm], direction: Direction, seal: str) -> tuple[Any, ...]:
    """Return the sort keys that a cursor holds.

    Args:
        cursor: the text that the client sent back.
        terms: the order of the query that it came with.
        direction: how the client uses it.
        seal: the digest of that query.

    Raises:
        CursorError: when it is not signed by this site, or is used in the other direction.
        CursorMismatchError: when it belongs to another sort, filter, search, time zone or set of columns.
    """
    at = f"/window/{direction}"
    try:
        held: Mapping[str, Any] = signing.loads(cursor, salt=_SALT)
    except signing.BadSignature as error:
        raise CursorError.at(at, "This is no cursor of this site. Start again from the first page.") from error
    if held["h"] != seal:
        raise CursorMismatchError.at(
            at,
            "The cursor belongs to another sort, filter or search, or the columns changed. Start from the first page.",
        )
    if held["d"] != direction:
        raise CursorError.at(at, f"The cursor leads to the rows {held['d']}; send it as {held['d']!r}.")
    return tuple(term.column.from_cursor(raw) for term, raw in zip(terms, held["k"], strict=True))
