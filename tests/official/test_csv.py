"""CSV files, read back with Python's csv module."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from gridkit_plugins.export.exporters.csv import CsvExporter

COLUMNS = [("sku", "Article number", "text"), ("price", "Price", "decimal")]


def read(data: bytes, **options: Any):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), **options))


def test_header_is_the_column_ids_unless_the_labels_are_asked_for(written: Callable[..., bytes]):
    assert read(written(CsvExporter, COLUMNS, []))[0] == ["sku", "price"]
    assert read(written(CsvExporter, COLUMNS, [], header="label"))[0] == ["Article number", "Price"]
    assert read(written(CsvExporter, COLUMNS, [], header="none")) == []


def test_byte_order_mark_is_written_only_when_asked_for(written: Callable[..., bytes]):
    assert written(CsvExporter, COLUMNS, []) == b"sku,price\r\n"
    assert written(CsvExporter, COLUMNS, [], bom=True) == b"\xef\xbb\xbfsku,price\r\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_the_chosen_one_and_is_quoted_inside_values(written: Callable[..., bytes], delimiter: str):
    data = written(CsvExporter, COLUMNS, [[f"a{delimiter}b", Decimal("1.50")]], delimiter=delimiter)

    assert read(data, delimiter=delimiter)[1] == [f"a{delimiter}b", "1.50"]


def test_quotes_line_breaks_and_all_scripts_come_back_as_they_were(written: Callable[..., bytes]):
    texts = ['say "hi"', "two\nlines", "two\r\nlines", "żółć", "مرحبا", "数字", "🛫", " leading", ""]
    data = written(CsvExporter, [("a", "A", "text")] * 1, [[text] for text in texts])

    # A single empty field is written as "" so that the line is not empty.
    assert [row[0] for row in read(data)[1:]] == texts


def test_values_are_exact_text(written: Callable[..., bytes]):
    values = [
        None, True, False, 0, -12, 10**20, Decimal("0.10"), Decimal("1E+3"), 0.1, date(2013, 1, 1), time(5, 17),
        datetime(2013, 1, 1, 10, 0, 0, 123456, tzinfo=UTC), UUID(int=5), {"a": [1, "ü"]}, [],
    ]  # fmt: skip
    columns = [(f"c{number}", "", "text") for number in range(len(values))]

    assert read(written(CsvExporter, columns, [values]))[1] == [
        "", "true", "false", "0", "-12", "100000000000000000000", "0.10", "1000", "0.1", "2013-01-01", "05:17:00",
        "2013-01-01T10:00:00.123456+00:00", "00000000-0000-0000-0000-000000000005", '{"a": [1, "ü"]}', "[]",
    ]  # fmt: skip


def test_many_chunks_give_one_line_per_row(written: Callable[..., bytes]):
    data = written(CsvExporter, COLUMNS, [[f"s{number}", Decimal(number)] for number in range(4500)])

    assert data.count(b"\r\n") == 4501
    assert read(data)[4500] == ["s4499", "4499"]
