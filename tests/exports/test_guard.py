"""The formula guard."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gridkit_django.exports import ExportColumn
from gridkit_django.exports.guard import guard_columns, guard_rows, guard_text


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "=", "  =1"],
)
def test_text_that_starts_like_a_formula_gets_an_apostrophe(text: str):
    assert guard_text(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a=1", " ", " 1=1", "1-1", "'=1", "\u2212 5", "#N/A"])
def test_other_text_stays_as_it_is(text: str):
    assert guard_text(text) == text


def test_only_texts_of_a_row_are_guarded():
    assert guard_rows([["-x", -1, Decimal("-1.5"), None, -0.5, True]]) == [
        ["'-x", -1, Decimal("-1.5"), None, -0.5, True]
    ]


def test_headings_are_guarded_too():
    (column,) = guard_columns([ExportColumn("@id", "=label", "text")])

    assert column == ExportColumn("'@id", "'=label", "text")
