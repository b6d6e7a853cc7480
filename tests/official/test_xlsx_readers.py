"""Excel workbooks read back by readers that share no code with the writer: calamine (Rust) and openpyxl."""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from gridkit_django.exceptions import ExportError
from gridkit_django.exports import ExportColumn, KeptSegment, SegmentPlace
from gridkit_plugins.export.exporters import zipping
from gridkit_plugins.export.exporters.deflating import joined_crc
from gridkit_plugins.export.exporters.xlsx import XlsxExporter
from gridkit_plugins.export.exporters.zipping import ZipWriter
from tests.official.segments import TYPED as COLUMNS
from tests.official.segments import ZONE, in_segments, sheet_of

MILLISECOND = timedelta(milliseconds=1)
FIRST = datetime(1901, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
LAST = datetime(9999, 12, 30)  # noqa: DTZ001

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=12
) | st.sampled_from(
    ["=1+1", "+1", "-", "@x", "_x0041_", "a\x00b", " edge ", "\ttab", "a\nb", "<&>\"'", "#N/A", "0012", "🛫"]
)
moments = st.datetimes(FIRST, LAST, timezones=st.just(ZONE)).map(lambda value: value.replace(microsecond=0))
rows = st.tuples(
    texts,
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.decimals(-(10**10), 10**10, places=2),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(FIRST.date(), LAST.date()),
    moments,
    st.times().map(lambda value: value.replace(microsecond=0)),
)
with_gaps = rows.flatmap(lambda row: st.tuples(*(st.sampled_from([value, value, value, None]) for value in row)))


class SmallSheets(XlsxExporter):
    """Has a new sheet after seven rows."""

    sheet_rows = 8


def by_calamine(data: bytes) -> list[list[list[Any]]]:
    """Return the cells of every sheet, the row of headings first."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return [book.get_sheet_by_index(index).to_python() for index in range(len(book.sheet_names))]


def by_openpyxl(data: bytes) -> list[list[list[Any]]]:
    """Return the cells of every sheet; openpyxl leaves escapes in texts to its caller."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [[[_unescaped(cell.value) for cell in row] for row in page.iter_rows()] for page in book]


def _unescaped(value: Any) -> Any:
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), value) if isinstance(value, str) else value


def told(value: Any) -> Any:
    """Return what a spreadsheet says of a value."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n") or None
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return float(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else value


def same(found: Any, expected: Any) -> bool:
    """Whether a reader found what was written; readers tell a day from a moment by its format, or by its hour."""
    if found in ("", None):
        return expected is None
    if isinstance(expected, datetime) or (isinstance(expected, date) and isinstance(found, datetime)):
        found, expected = (_moment(item) for item in (found, expected))
        return abs(found - expected) < MILLISECOND
    if isinstance(found, time) and isinstance(expected, time):
        return abs(_seconds(found) - _seconds(expected)) < 0.001
    if isinstance(found, timedelta) and isinstance(expected, time):
        return abs(found.total_seconds() - _seconds(expected)) < 0.001
    if type(found) is type(expected) or isinstance(found, str):
        return bool(found == expected)
    return float(found) == float(expected)


def _moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _seconds(value: time) -> float:
    return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6


@pytest.mark.parametrize("read", [by_calamine, by_openpyxl])
@settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(written=st.lists(with_gaps, max_size=20), cut=st.integers(0, 20))
def test_every_value_is_read_back_on_the_sheet_where_it_belongs(read: Any, written: list[Any], cut: int) -> None:
    data = in_segments(SmallSheets, sheet_of(*COLUMNS), written, [min(cut, len(written))])
    pages = read(data)

    assert all(page[0] == [column.label for column in COLUMNS] for page in pages)
    found = [row for page in pages for row in page[1:]]
    assert [len(page) - 1 for page in pages[:-1]] == [7] * (len(pages) - 1)
    trailing = [row for row in written if any(told(value) is not None for value in row)]
    assert len(found) >= len(trailing)
    for row, expected in zip(found, written, strict=False):
        assert all(same(one, told(other)) for one, other in zip(row, expected, strict=True)), (row, expected)


def test_however_the_rows_are_cut_the_sheets_are_the_same() -> None:
    written = [[f"text {number}", number, Decimal(number)] for number in range(23)]
    whole, cut = (
        in_segments(SmallSheets, sheet_of(*COLUMNS[:3]), written, sizes, chunk)
        for sizes, chunk in (((), 100), ((1, 0, 9, 7), 2))
    )

    assert sheets_of(whole) == sheets_of(cut)
    assert [len(page) for page in by_calamine(cut)] == [8, 8, 8, 3]


def sheets_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist() if "worksheets" in name}


def test_a_segment_that_was_made_for_another_workbook_is_refused() -> None:
    stream = io.BytesIO()
    place = SegmentPlace(0, 0)
    facts = XlsxExporter().write_segment(stream, sheet_of(COLUMNS[0]), place, iter([[["a"]]]))
    kept = KeptSegment(place, 1, io.BytesIO(stream.getvalue()), facts)

    with pytest.raises(ExportError, match="fits no more"):
        XlsxExporter().join(io.BytesIO(), sheet_of(COLUMNS[1]), iter([kept]))


def test_a_kept_segment_that_lost_its_end_is_no_file() -> None:
    stream = io.BytesIO()
    place = SegmentPlace(0, 0)
    facts = XlsxExporter().write_segment(stream, sheet_of(COLUMNS[0]), place, iter([[["a"]]]))
    kept = KeptSegment(place, 1, io.BytesIO(stream.getvalue()[:-3]), facts)

    with pytest.raises(EOFError):
        XlsxExporter().join(io.BytesIO(), sheet_of(COLUMNS[0]), iter([kept]))


def test_more_columns_than_a_sheet_has_are_refused() -> None:
    sheet = sheet_of(*[ExportColumn(f"c{number}", "c", "text") for number in range(16_385)])
    with pytest.raises(ExportError, match="16384"):
        XlsxExporter().write_segment(io.BytesIO(), sheet, SegmentPlace(0, 0), iter([]))


def test_no_column_at_all_gives_a_file_that_opens() -> None:
    data = in_segments(XlsxExporter, sheet_of(), [[], []])
    assert sheets_of(data)["xl/worksheets/sheet1.xml"].count(b"<row></row>") == 2
    assert len(by_openpyxl(data)) == len(by_calamine(data)) == 1


@settings(max_examples=20, deadline=None)
@given(first=st.binary(max_size=300), second=st.binary(max_size=300))
def test_the_checksum_of_two_pieces_is_that_of_their_bytes(first: bytes, second: bytes) -> None:
    found = joined_crc(zlib.crc32(first), zlib.crc32(second), len(second))
    assert found == zlib.crc32(first + second)


def test_a_huge_file_has_its_sizes_in_the_fields_of_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipping, "_LIMIT", 40)
    stream = io.BytesIO()
    archive = ZipWriter(stream)
    archive.add("small", b"x")
    archive.add("läge", b"abc" * 1000)
    archive.add("far", b"y")
    archive.close()

    with zipfile.ZipFile(stream) as found:
        assert found.testzip() is None
        assert {name: len(found.read(name)) for name in found.namelist()} == {"small": 1, "läge": 3000, "far": 1}


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 10**15, Decimal("1234567890123.456"), datetime(1900, 1, 1, tzinfo=UTC)]
)
def test_what_no_cell_holds_exactly_makes_no_neighbour_a_text(value: Any) -> None:
    column = {int: 1, Decimal: 2, float: 3, datetime: 6}[type(value)]
    plain = {1: 5, 2: Decimal("1.50"), 3: 0.5, 6: datetime(2026, 1, 1, tzinfo=UTC)}[column]
    (_head, odd, usual), *_ = by_calamine(in_segments(XlsxExporter, sheet_of(COLUMNS[column]), [[value], [plain]]))

    assert isinstance(odd[0], str)
    assert not isinstance(usual[0], str)
