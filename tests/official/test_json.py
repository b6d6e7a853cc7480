"""JSON files, read back with Python's json module."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from gridkit_plugins.export.exporters.json import JsonExporter

COLUMNS = [("sku", "Article number", "text"), ("stock", "Stock", "integer")]


def test_rows_are_one_array_of_objects_with_the_column_ids_as_keys(written: Callable[..., bytes]):
    data = written(JsonExporter, COLUMNS, [["a", 1], ["b", None]])

    assert json.loads(data) == [{"sku": "a", "stock": 1}, {"sku": "b", "stock": None}]


def test_no_rows_are_an_empty_array(written: Callable[..., bytes]):
    assert json.loads(written(JsonExporter, COLUMNS, [])) == []


def test_rows_of_many_chunks_are_in_order_and_complete(written: Callable[..., bytes]):
    data = written(JsonExporter, COLUMNS, [[str(number), number] for number in range(4321)])

    assert [row["stock"] for row in json.loads(data)] == list(range(4321))
    assert data.count(b"\n") == 4323, "one line per row, and one for each bracket"


def test_an_empty_chunk_between_others_leaves_no_comma(written: Callable[..., bytes]):
    class Stuttering(JsonExporter):
        chunk_rows = 1

        def write(self, rows: Any):
            super().write([])
            super().write(rows)

    assert json.loads(written(Stuttering, COLUMNS, [["a", 1], ["b", 2]])) == [
        {"sku": "a", "stock": 1},
        {"sku": "b", "stock": 2},
    ]


def test_values_keep_their_types_and_decimals_every_digit(written: Callable[..., bytes]):
    values = {
        "text": '=1+1 "quoted" 🛫\x01', "flag": True, "big": 2**70, "float": 0.1,
        "decimal": Decimal("12345678901234567.10"),
        "date": date(2013, 1, 1), "moment": datetime(2013, 1, 1, 5, tzinfo=UTC), "uuid": UUID(int=1),
        "json": {"a": [1, None]},
    }  # fmt: skip
    data = written(JsonExporter, [(key, key, "text") for key in values], [list(values.values())])

    assert json.loads(data) == [
        {
            **values,
            "decimal": "12345678901234567.10",
            "date": "2013-01-01",
            "moment": "2013-01-01T05:00:00+00:00",
            "uuid": "00000000-0000-0000-0000-000000000001",
        }
    ]


def test_floats_that_json_cannot_hold_are_null(written: Callable[..., bytes]):
    data = written(JsonExporter, [("x", "X", "float")], [[math.nan], [math.inf], [-math.inf]])

    assert json.loads(data) == [{"x": None}] * 3
