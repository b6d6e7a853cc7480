"""Path converters for ids that hold more than a word."""

from __future__ import annotations

from typing import Any

from gridkit_django.grids.dialects import DIALECTS


class PluginIdConverter:
    """A plugin id as the specification writes it: ``name``, or ``@scope/name`` with its slash."""

    regex = r"(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*"

    def to_python(self, value: str) -> str:
        """Return the id as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Return the id as it is: ``@`` and ``/`` need no escaping in a path (RFC 3986, 3.3)."""
        return value


class RowIdConverter:
    """The primary key of a row as text; text keys may hold a slash, so it takes all up to the last one."""

    regex = r".{1,500}"

    def to_python(self, value: str) -> str:
        """Return the key as text; the grid turns it into the model's type."""
        return value

    def to_url(self, value: Any) -> str:
        """Return the key as text."""
        return str(value)


class DialectConverter:
    """The name of a dialect that this site speaks; other names are no addresses."""

    regex = "|".join(DIALECTS)

    def to_python(self, value: str) -> str:
        """Return the name as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Return the name as it is."""
        return value
