"""What spreadsheets would run as a formula, and how a text is kept from it: the one rule of all files that they open.

A text file that a spreadsheet opens is a program: a cell that starts with ``=`` runs. The first characters below are
the list of OWASP ("CSV Injection"). An apostrophe in front is read as "this is text".
"""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""First characters that start a formula, or that spreadsheets drop before they look; the last four are full-width."""

_SPACED = (" ", *FORMULA_STARTS)


def guard_text(text: str) -> str:
    """Return ``text`` with an apostrophe in front when a spreadsheet would take it for a formula.

    Spaces in front of it do not help: some spreadsheets drop them.
    """
    if not text.startswith(_SPACED):
        return text
    return "'" + text if text.lstrip(" ").startswith(FORMULA_STARTS) else text
