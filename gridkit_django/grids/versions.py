"""The version token of a row: it changes when a value changes that the user may see."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from django.utils.crypto import salted_hmac

from gridkit_django.grids.access import GridAccess

TOKEN_LENGTH = 16
"""Characters of a token: 96 bits, so that two versions of a row never meet by chance."""

_SALT = "gridkit_django.grids.versions"


def row_version(access: GridAccess, values: Mapping[str, Any]) -> str:
    """Return the version token of one row, as this user sees it.

    The token is an HMAC (RFC 2104) over the values that are stored in the grid's own table. Values behind foreign keys
    do not count: another airline's name is no change of the flight. Columns that the user may not see do not count
    either: a token must not tell that a hidden value has changed.

    Args:
        access: the grid and the user.
        values: column id to Python value, for at least all visible columns of the grid's own table; more do no harm.

    Returns:
        Letters, digits, ``-`` and ``_``, fit for an ETag (RFC 9110).
    """
    seen = {column.id: column.to_wire(values[column.id], UTC) for column in access.version_columns}
    text = json.dumps(seen, sort_keys=True, separators=(",", ":"))
    digest = salted_hmac(f"{_SALT}.{access.grid_id}", text, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest)[:TOKEN_LENGTH].decode("ascii")
