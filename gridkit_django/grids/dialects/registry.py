"""The dialects that this site speaks, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gridkit_django.exceptions import DialectError
from gridkit_django.grids.dialects import aggrid, datatables, devextreme, mui, tabulator, tanstack
from gridkit_django.grids.dialects.reading import Dialect

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {module.DIALECT.name: module.DIALECT for module in (aggrid, tanstack, tabulator, datatables, devextreme, mui)}
)
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
