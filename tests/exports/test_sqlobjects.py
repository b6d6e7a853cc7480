"""Objects of JSON that PostgreSQL puts together: exact where a value is missing, also where one hardly ever is."""

from __future__ import annotations

import json
from itertools import product

import pytest
from django.db import connection

from gridkit_django.exports.source.sqlcells import JsonForm, SqlCell
from gridkit_django.exports.source.sqlobjects import json_object

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]

VALUES = {
    JsonForm.WRITTEN: ("'[1]'", [1]),
    JsonForm.PLAIN: ("7", 7),
    JsonForm.QUOTED: ("DATE '2026-05-17'", "2026-05-17"),
}
KINDS = [(form, usual) for form in JsonForm for usual in (True, False)]


def written(cells: list[SqlCell], rows: list[list[str]]) -> list[object]:
    keys = [f"key {number}" for number in range(len(cells))]
    names = ", ".join(f"gridkit_{number}" for number in range(len(cells)))
    held = ", ".join(f"({', '.join(row)})" for row in rows)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {json_object(keys, cells)} FROM (VALUES {held}) AS held ({names})")
        return [list(json.loads(text).values()) for (text,) in cursor.fetchall()]


def test_each_value_may_be_missing_whatever_was_expected() -> None:
    cells = [SqlCell("pk", "{x}", form=form, usual=usual) for form, usual in KINDS]
    there = list(product((True, False), repeat=len(cells)))
    there = [row for row in there if row[0] and row[1]]  # what is finished is never NULL
    rows = [[VALUES[form][0] if has else "NULL" for (form, _), has in zip(KINDS, row, strict=True)] for row in there]
    wanted = [[VALUES[form][1] if has else None for (form, _), has in zip(KINDS, row, strict=True)] for row in there]

    assert written(cells, rows) == wanted


@pytest.mark.parametrize("usual", [True, False])
@pytest.mark.parametrize("count", [1, 33, 34, 50, 51, 260])
def test_any_number_of_values_is_put_together(count: int, usual: bool) -> None:
    cells = [SqlCell("pk", "{x}", form=JsonForm.QUOTED, usual=usual)] * count

    assert written(cells, [["1"] * count, ["1"] * (count - 1) + ["NULL"]]) == [
        ["1"] * count, [*["1"] * (count - 1), None],
    ]  # fmt: skip


def test_a_row_of_nothing_is_an_empty_object() -> None:
    assert json_object((), []) == "'{}'"
