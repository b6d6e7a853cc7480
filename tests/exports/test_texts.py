"""Texts for people: numbers, days and points in time by the column's format, in the reader's language."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from gridkit_django.exports import ExportColumn, ExportGroup, ExportSheet
from gridkit_django.exports.texts import group_key, key_writer, text_writer
from gridkit_django.grids import DateFormat, NumberFormat
from gridkit_django.grids.columns import ValueFormat
from gridkit_django.grids.periods import Period

MOMENT = datetime(2026, 5, 17, 14, 4, 9, tzinfo=UTC)


def text(value: Any, made: ValueFormat | None = None, language: str = "en") -> str:
    return text_writer(ExportColumn("a", "A", "text", format=made), language)(value)


@pytest.mark.parametrize(
    ("value", "made", "language", "expected"),
    [
        (2013, None, "en", "2013"),
        (336776, None, "en", "336,776"),
        (336776, None, "de", "336.776"),
        (Decimal("12.50"), None, "de", "12,50"),
        (Decimal("-12345.5"), None, "en", "-12,345.5"),
        (0.1 + 0.2, None, "en", "0.3"),
        (float("inf"), None, "en", "inf"),
        (Decimal("NaN"), None, "en", "NaN"),
        (1234, NumberFormat(grouping=True), "en", "1,234"),
        (123456, NumberFormat(grouping=False), "en", "123456"),
        (Decimal("2.345"), NumberFormat(decimals=2, prefix="$", suffix=" net"), "en", "$2.35 net"),
        (0.125, NumberFormat(percent=True), "en", "12.5%"),
        (Decimal("0.5000"), NumberFormat(percent=True), "de", "50%"),
        (Decimal("0.1255"), NumberFormat(percent=True, decimals=1), "de", "12,6%"),
    ],
)
def test_numbers(value: Any, made: ValueFormat | None, language: str, expected: str) -> None:
    assert text(value, made, language) == expected


@pytest.mark.parametrize(
    ("value", "made", "language", "expected"),
    [
        (date(2026, 5, 17), None, "en", "May 17, 2026"),
        (date(2026, 5, 17), None, "de", "17. Mai 2026"),
        (date(2026, 1, 17), DateFormat("short"), "en", "01/17/2026"),
        (date(2026, 1, 17), DateFormat("short"), "de", "17.01.2026"),
        (date(2026, 1, 17), DateFormat("long"), "en", "January 17, 2026"),
        (MOMENT, None, "en", "May 17, 2026, 2:04 PM"),
        (MOMENT, DateFormat("short", "medium"), "de", "17.05.2026, 14:04:09"),
        (MOMENT, DateFormat("short", None), "de", "17.05.2026"),
        (time(5, 17), None, "de", "05:17"),
        (time(5, 17, 3), None, "de", "05:17:03"),
    ],
)
def test_days_and_times(value: Any, made: ValueFormat | None, language: str, expected: str) -> None:
    assert text(value, made, language) == expected


def test_other_values() -> None:
    assert [text(value) for value in (None, "", "=x", {"a": [1]}, UUID(int=1))] == [
        "", "", "=x", '{"a":[1]}', "00000000-0000-0000-0000-000000000001",
    ]  # fmt: skip
    assert [text(value) for value in (True, False)] == ["Yes", "No"]
    assert [text(value, language="de") for value in (True, False)] == ["Ja", "Nein"]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (Period.YEAR, "2026"),
        (Period.QUARTER, "2026-Q2"),
        (Period.MONTH, "2026-05"),
        (Period.WEEK, "2026-W20"),
        (Period.DAY, "2026-05-17"),
        (None, "May 17, 2026, 2:04 PM"),
    ],
)
def test_a_group_is_named_by_its_period_or_value(period: Period | None, expected: str) -> None:
    group = ExportGroup(0, period)
    sheet = ExportSheet("t", (ExportColumn("a", "A", "datetime"),), {}, MOMENT, "ann", 1, UTC)
    write = key_writer(sheet, group)

    assert write(group_key(MOMENT, group)) == expected
    assert write(group_key(None, group)) == "(empty)"
