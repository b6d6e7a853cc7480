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

from gridkit_django.exceptions import ExportEncodingError
from gridkit_django.exports import ExportColumn, ExportSheet, SegmentPlace
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


def test_other_encodings_have_their_marks_and_names(written: Callable[..., bytes]):
    rows = [["zażółć €", Decimal("1.50")]]
    for encoding, mark, web in (
        ("utf-8-sig", b"\xef\xbb\xbf", "utf-8"),
        ("utf-16", b"\xff\xfe", "utf-16"),
        ("cp1250", b"", "windows-1250"),
    ):
        data = written(CsvExporter, COLUMNS, rows, encoding=encoding)

        assert data.startswith(mark)
        assert data.decode(encoding) == "sku,price\r\nzażółć €,1.50\r\n"
        assert CsvExporter.file_type({"encoding": encoding}) == (f"text/csv; charset={web}", "csv")


def test_a_character_that_the_encoding_lacks_is_refused_with_its_place_or_replaced(written: Callable[..., bytes]):
    rows = [[f"s{number}", Decimal(number)] for number in range(3000)] + [["two\nlines 数", None]]

    with pytest.raises(ExportEncodingError, match=r"cp1252 has no U\+6570, which stands in row 3001, column 'sku'"):
        written(CsvExporter, COLUMNS, rows, encoding="cp1252")
    with pytest.raises(ExportEncodingError, match="header row"):
        written(CsvExporter, [("sku", "数", "text")], [], encoding="cp1252", header="label")
    assert b"lines ?" in written(CsvExporter, COLUMNS, rows, encoding="cp1252", unencodable="replace")


def test_rows_that_the_database_wrote_are_encoded_and_refused_alike():
    sheet = ExportSheet(
        "Things", (ExportColumn("a", "A", "text"), ExportColumn("b", "B", "text")), {"encoding": "cp1252"},
        datetime(2026, 1, 1, tzinfo=UTC), "ann", 2, UTC,
    )  # fmt: skip
    stream = io.BytesIO()
    blocks = ['"two\r\nlines",é\r\nx,y'.encode()]
    CsvExporter().write_copied(stream, sheet, SegmentPlace(0, 0), iter(blocks))

    assert stream.getvalue() == 'a,b\r\n"two\r\nlines",é\r\nx,y\r\n'.encode("cp1252")
    with pytest.raises(ExportEncodingError, match="row 53, column 'b'"):
        CsvExporter().write_copied(stream, sheet, SegmentPlace(1, 50), iter([*blocks, "x,数".encode()]))


def test_decimal_sign_line_end_and_guard_follow_the_options(written: Callable[..., bytes]):
    rows = [["=1+1", Decimal("-1.50")]]

    assert written(CsvExporter, COLUMNS, rows, decimal=",") == b'sku,price\r\n\'=1+1,"-1,50"\r\n'
    assert written(CsvExporter, COLUMNS, rows, lineEnd="lf") == b"sku,price\n'=1+1,-1.50\n"
    assert written(CsvExporter, COLUMNS, rows, guard=False) == b"sku,price\r\n=1+1,-1.50\r\n"
    assert written(CsvExporter, [("=a", "@b", "text")], [], header="label") == b"'@b\r\n"


def test_a_value_of_another_type_than_its_column_is_written_and_guarded(written: Callable[..., bytes]):
    kinds = ["integer", "decimal", "boolean", "date", "datetime", "uuid", "float"]
    columns = [(kind, kind, kind) for kind in kinds]

    assert read(written(CsvExporter, columns, [["=1"] * len(kinds), [None] * len(kinds)]))[1:] == [
        ["'=1"] * len(kinds), [""] * len(kinds),
    ]  # fmt: skip


def test_compressed_files_say_so():
    assert CsvExporter.file_type({"compress": "gzip"}) == ("application/gzip", "csv.gz")
    assert CsvExporter.file_type({"compress": "zip"}) == ("application/zip", "zip")
