"""The version token of a row: it changes when a value changes that the user may see, and tells which ones did.

A token holds a checksum of each column that the grid lets people edit, and one of all other columns together. So two
edits of one row that touch different columns can both be saved: a token that is out of date says which of the columns
have changed since. Checksums (CRC-32) are no secret and need not be one: they are made of values that the user sees.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import repeat
from typing import Any
from zlib import crc32

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns import Column, DateTimeColumn

_SUM_BYTES = 4
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = frozenset({str, int, bool, Decimal, type(None)})
"""Types whose values stand for themselves in every column."""


class RowVersions:
    """Makes and compares the version tokens of a grid's rows, as one user sees them.

    Only values that are stored in the grid's own table count: another airline's name is no change of the flight.
    Columns that the user may not see do not count either: a token must not tell that a hidden value has changed.

    Args:
        access: the grid and the user.

    Attributes:
        columns: the columns whose values a token is made of, in the order in which ``token`` takes them.
    """

    def __init__(self, access: GridAccess) -> None:
        own = access.version_columns
        self._single = tuple(column for column in own if column.editable)
        joint = tuple(column for column in own if not column.editable)
        self.columns = (*self._single, *joint)
        names = [access.grid_id, [column.id for column in self._single], [column.id for column in joint]]
        sums = len(self._single) + 1
        # Base64 writes three bytes as four letters: tokens of whole threes are written all at once, and cut apart.
        length = 3 + -_SUM_BYTES * sums % 3
        self._layout = hashlib.blake2s(json.dumps(names).encode(), digest_size=length).digest()
        self._form = struct.Struct(f">{length}s{sums}I")

    def token(self, values: Sequence[Any]) -> str:
        """Return the version token of one row.

        Args:
            values: a Python value for each of ``columns``.

        Returns:
            Letters, digits, ``-`` and ``_``, fit for an ETag (RFC 9110): a few for each editable column.
        """
        return self.tokens([[value] for value in values], 1)[0]

    def tokens(self, columns: Sequence[Sequence[Any]], count: int) -> list[str]:
        """Return what ``token`` makes of each of many rows, with little work in Python for each.

        Args:
            columns: for each of ``columns``, the values of all rows.
            count: how many rows there are.
        """
        seen = [_settled(column, values) for column, values in zip(self.columns, columns, strict=True)]
        single, joint = seen[: len(self._single)], seen[len(self._single) :]
        rows = zip(*joint, strict=True) if joint else repeat((), count)
        sums = [*map(_checksums, single), _checksums(rows)]
        raw = b"".join(map(self._form.pack, repeat(self._layout, count), *sums))
        text = binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE).decode("ascii")
        length = self._form.size // 3 * 4
        return [text[start : start + length] for start in range(0, len(text), length)]

    def changed_between(self, older: str, newer: str) -> frozenset[str] | None:
        """Return the editable columns whose values differ between two versions.

        Returns:
            Ids of columns, or None when that can't be known: one of them is no token that this user would get for a
            row of this grid now.
        """
        first, second = self._read(older), self._read(newer)
        if first is None or second is None:
            return None
        return frozenset(column.id for column, old, new in zip(self._single, first, second, strict=False) if old != new)

    def _read(self, token: str) -> tuple[int, ...] | None:
        try:
            raw = base64.b64decode(token, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) != self._form.size:
            return None
        layout, *sums = self._form.unpack(raw)
        return tuple(sums) if layout == self._layout else None


def _checksums(values: Iterable[Any]) -> Iterable[int]:
    return map(crc32, map(str.encode, map(repr, values)))


def _settled(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a column in a form in which equal ones, and only they, have the same ``repr``."""
    if _PLAIN.issuperset(map(type, values)):
        return values
    if type(column) is DateTimeColumn:
        return list(map(_moment, values))
    wires = column.to_wires(values, UTC)
    seen = [value if type(value) in _PLAIN else wire for value, wire in zip(values, wires, strict=True)]
    return seen if _PLAIN.issuperset(map(type, seen)) else [_text_of(wire) for wire in seen]


def _moment(point: datetime | None) -> Any:
    """Return the same for one moment in any time zone; its text would take five times as long to write."""
    if point is None or point.tzinfo is None:
        return point
    since = point - _EPOCH
    return since.days, since.seconds, since.microseconds


def _text_of(wire: Any) -> Any:
    """Return a wire form as it is, or for an object or a list the one text: the order of keys is none of its meaning.

    A tuple tells that from a plain text that reads the same.
    """
    return (json.dumps(wire, sort_keys=True),) if isinstance(wire, (dict, list)) else wire


def row_version(access: GridAccess, values: Mapping[str, Any]) -> str:
    """Return the version token of one row, as this user sees it.

    Args:
        access: the grid and the user.
        values: column id to Python value, for at least all visible columns of the grid's own table; more do no harm.
    """
    versions = RowVersions(access)
    return versions.token([values[column.id] for column in versions.columns])
