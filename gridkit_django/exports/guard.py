"""The formula guard: the one place where texts that a spreadsheet would run as formulas are defused.

A text file that a spreadsheet opens is a program: a cell that starts with ``=`` runs. The first characters below are
the list of OWASP ("CSV Injection"). The guard puts an apostrophe in front, which spreadsheets read as "this is text".
Numbers are left alone; only texts (and headings) are guarded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gridkit_django.exports.base import ExportColumn

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters that start a formula, or that spreadsheets drop before they look; the last four are full-width."""

GUARD_SQL = r"^ *[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]"
"""The same rule as a regular expression of PostgreSQL, to stand in ``E'…'``."""

_SPACED = (" ", *FORMULA_STARTS)


def guard_text(text: str) -> str:
    """Return ``text`` with an apostrophe in front when a spreadsheet would take it for a formula.

    Spaces in front of it do not help: some spreadsheets drop them.
    """
    if not text.startswith(_SPACED):
        return text
    return "'" + text if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def guard_rows(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return ``rows`` with every text guarded."""
    return [[guard_text(value) if isinstance(value, str) else value for value in row] for row in rows]


def guard_columns(columns: Sequence[ExportColumn]) -> tuple[ExportColumn, ...]:
    """Return ``columns`` with headings guarded: a label may come from anywhere."""
    return tuple(replace(column, id=guard_text(column.id), label=guard_text(column.label)) for column in columns)
