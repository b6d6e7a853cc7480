"""The formula guard of exports. Numbers are left alone; only texts (and headings) are guarded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gridkit_django.exports.base import ExportColumn
from gridkit_django.grids.formulas import FORMULA_STARTS, guard_text

__all__ = ["FORMULA_STARTS", "GUARD_SQL", "guard_columns", "guard_rows", "guard_text"]

GUARD_SQL = r"^ *[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]"
"""The rule of ``guard_text`` as a regular expression of PostgreSQL, to stand in ``E'…'``."""


def guard_rows(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return ``rows`` with every text guarded."""
    return [[guard_text(value) if isinstance(value, str) else value for value in row] for row in rows]


def guard_columns(columns: Sequence[ExportColumn]) -> tuple[ExportColumn, ...]:
    """Return ``columns`` with headings guarded: a label may come from anywhere."""
    return tuple(replace(column, id=guard_text(column.id), label=guard_text(column.label)) for column in columns)
