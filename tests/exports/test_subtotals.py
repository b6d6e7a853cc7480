"""Groups and figures: the same however the rows are parted, and through plain data."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from gridkit_django.exports import ExportColumn, ExportFigure, ExportGroup, ExportSheet
from gridkit_django.exports.subtotals import Subtotal, Subtotals, Tally, plain, runs, tallies, unplain
from gridkit_django.grids.functions import Fn
from gridkit_django.grids.periods import Period

DAY = date(2026, 1, 31)
ROWS: list[list[Any]] = [
    ["AA", date(2026, 1, 1), Decimal("1.10")],
    ["AA", DAY, Decimal("2.20")],
    ["AA", date(2026, 2, 1), None],
    ["BB", date(2026, 2, 1), Decimal(5)],
    [None, None, Decimal(7)],
]


def sheet(*fns: Fn, groups: Sequence[ExportGroup] = (ExportGroup(0), ExportGroup(1, Period.MONTH))) -> ExportSheet:
    columns = tuple(ExportColumn(name, name, "text") for name in "abc")
    figures = tuple(ExportFigure(2, fn) for fn in fns)
    return ExportSheet("t", columns, {}, datetime(2026, 1, 1, tzinfo=UTC), "ann", 5, UTC, "en", tuple(groups), figures)


def subtotals(told: ExportSheet, parts: Sequence[Sequence[Any]]) -> list[Subtotal]:
    """Walk through rows as a writer does."""
    walk, found = Subtotals(told), []
    for rows in parts:
        for keys, start, end in runs(told, rows):
            found += walk.enter(keys)
            gathered = [
                Tally.from_json(item.fn, json.loads(json.dumps(item.to_json())))
                for item in tallies(told.figures, rows[start:end])
            ]
            walk.add(end - start, gathered)
    return found + walk.close()


@pytest.mark.parametrize("cuts", list(itertools.combinations(range(1, 5), 2)))
def test_groups_end_innermost_first_wherever_the_rows_are_cut(cuts: tuple[int, int]) -> None:
    told = sheet(Fn.SUM, Fn.COUNT)
    parts = [ROWS[: cuts[0]], ROWS[cuts[0] : cuts[1]], [], ROWS[cuts[1] :]]

    assert subtotals(told, parts) == [
        Subtotal(1, date(2026, 1, 1), 2, (Decimal("3.30"), 2)),
        Subtotal(1, date(2026, 2, 1), 1, (None, 0)),
        Subtotal(0, "AA", 3, (Decimal("3.30"), 2)),
        Subtotal(1, date(2026, 2, 1), 1, (Decimal(5), 1)),
        Subtotal(0, "BB", 1, (Decimal(5), 1)),
        Subtotal(1, None, 1, (Decimal(7), 1)),
        Subtotal(0, None, 1, (Decimal(7), 1)),
    ]


def test_every_function_over_parts_is_the_same_as_over_all() -> None:
    told = sheet(Fn.SUM, Fn.AVG, Fn.MIN, Fn.MAX, Fn.COUNT, groups=())
    whole, halves = tallies(told.figures, ROWS), tallies(told.figures, ROWS[:2])
    for half, more in zip(halves, tallies(told.figures, ROWS[2:]), strict=True):
        half.merge(more)

    assert [tally.value for tally in whole] == [Decimal("15.30"), Decimal("3.825"), Decimal("1.10"), Decimal(7), 4]
    assert [tally.value for tally in halves] == [tally.value for tally in whole]
    assert [tally.value for tally in tallies(told.figures)] == [None, None, None, None, 0]


def test_rows_without_groups_make_no_runs_to_end() -> None:
    assert subtotals(sheet(groups=()), [ROWS]) == []


@pytest.mark.parametrize(
    "value",
    [None, 1, True, False, 0.1, Decimal("1.50"), "x", DAY, datetime(2026, 1, 1, tzinfo=UTC), time(1), UUID(int=3)],
)
def test_values_survive_as_plain_data(value: Any) -> None:
    found = unplain(json.loads(json.dumps(plain(value))))
    assert (type(found), found) == (type(value), value)
