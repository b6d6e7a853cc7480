"""The dialects that this site speaks, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.dialects import aggrid
from gridkit_django.grids.dialects.reading import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType({item.name: item for item in (aggrid.DIALECT,)})
"""Name in the address to dialect."""


def dialect_named(name: str) -> Dialect:
    """Return a dialect.

    Raises:
        DialectError: when there is none of this name.
    """
    try:
        return DIALECTS[name]
    except KeyError:
        raise DialectError(f"There is no dialect {name[:100]!a}; there are {', '.join(DIALECTS)}.") from None
