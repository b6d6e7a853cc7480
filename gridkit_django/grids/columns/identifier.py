"""Universally unique identifiers."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any
from uuid import UUID

from django.db import models

from gridkit_django.grids.columns.base import Column
from gridkit_django.grids.functions import COUNTS
from gridkit_django.typing import JSONValue


class UUIDColumn(Column):
    """UUIDs (RFC 9562), in their hyphenated form on the wire."""

    type = "uuid"
    functions = COUNTS
    fields = (models.UUIDField,)

    @property
    def editor(self) -> str:
        """A UUID is typed as text."""
        return "text"

    def clean(self, raw: JSONValue) -> UUID:
        """Accept a UUID as a string.

        Raises:
            FilterValueError: for anything else.
        """
        if not isinstance(raw, str):
            raise self._refuse("a UUID as a string")
        try:
            return UUID(raw)
        except ValueError as error:
            raise self._refuse("a UUID as a string") from error

    def _wire(self, value: Any, zone: tzinfo | None) -> JSONValue:
        del zone
        return str(value)
