"""Files of real jobs opened by LibreOffice without a screen: every cell is compared with the database."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User

from gridkit_django.exports import open_result, run_export
from gridkit_django.grids import Grid, grid_registry
from tests.exports.shop import ask
from tests.servers.office import Page, open_in_office
from tests.shop.models import Specimen

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
    pytest.mark.usefixtures("empty_storage", "specimens"),
]

ZONE = ZoneInfo("America/New_York")
NAMES = ["whole", "text", "truth", "money", "tiny", "units", "real", "moment", "day", "clock", "token", "data"]
TEXTS = [
    "=1+1",
    '=HYPERLINK("https://a.example","x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\uff1d1+1",
    "'quoted",
    'say "hi", łódź; a|b',
    "two\nlines\r\nmore",
    "  two  spaces  ",
    "مرحبا 数字 नमस्ते 🛫",
    "0012",
    "1E5",
    "1/2",
    "TRUE",
    "#N/A",
    "_x0041_",
    "a\x01\x1fb",
    "<b>&amp;</b>",
    "2026-01-01",
    "a" * 32_767,
    "",
    None,
]
WHOLES = [0, 1, -1, 10**15 - 1, -(10**15) + 1, 10**15, 2**63 - 1, -(2**63)]
REALS = [0.1, -0.0, 1e15, 123456789012345.6, 1e-5, 5e-324, 1.7976931348623157e308, 1 / 3]
DAYS = [date(1, 1, 1), date(1900, 2, 28), date(1900, 3, 1), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31)]
CLOCKS = [time(), time(23, 59, 59), time(12, 0, 0, 123_000), time(0, 0, 1)]


class OfficeGrid(Grid):
    """A column of every type."""

    class Meta:
        model = Specimen
        id = "export-office"
        columns = NAMES
        time_zone = ZONE.key


@pytest.fixture
def specimens(db: None) -> Iterator[None]:
    """Rows that hold extremes of every type, texts that look like formulas, and nothing at all.

    LibreOffice tells points in time to a hundredth of a second.
    """
    grid_registry().register(OfficeGrid)
    first = datetime(1900, 3, 2, 12, tzinfo=UTC)
    Specimen.objects.bulk_create(
        Specimen(
            key=UUID(int=number),
            text=text,
            whole=WHOLES[number % len(WHOLES)],
            truth=(None, True, False)[number % 3],
            money=Decimal((-1) ** number * (10**12 - 1 - number)).scaleb(-2),
            tiny=Decimal(number).scaleb(-9),
            units=Decimal(number),
            real=REALS[number % len(REALS)],
            moment=first + timedelta(days=1_900 * number, milliseconds=10 * number),
            day=DAYS[number % len(DAYS)],
            clock=CLOCKS[number % len(CLOCKS)],
            token=UUID(int=number * 10**30),
            data={"n": [number, "=1", None]},
        )
        for number, text in enumerate(TEXTS)
    )
    Specimen.objects.create(key=UUID(int=10**30))
    yield
    grid_registry().unregister(OfficeGrid.options.id)


def file_of(user: User, name: str, **options: Any) -> bytes:
    job = ask(user, name, grid="export-office", options=options)
    run_export(job.pk)
    with open_result(job.pk, user).file as file:
        return file.read()


def test_libreoffice_sees_every_cell_of_a_workbook_as_it_is_in_the_database(ann: User, tmp_path: Path):
    data = file_of(ann, "xlsx")
    seen = open_in_office(tmp_path, {"whole.xlsx": data, "half.xlsx": data[: len(data) // 2]})

    assert list(seen) == ["whole.xlsx"], "LibreOffice opens a file that lacks its end: it would not tell of a bad one"
    (page,) = seen["whole.xlsx"]
    assert [cell.formula for row in page.rows for cell in row if cell.formula] == []
    assert (page.headings, page.filtered) == (1, True)
    compare(page, in_workbook)


def test_libreoffice_sees_every_cell_of_a_csv_file_as_it_is_in_the_database(ann: User, tmp_path: Path):
    seen = open_in_office(tmp_path, {"whole.csv": file_of(ann, "csv")}, as_texts=len(NAMES))

    (page,) = seen["whole.csv"]
    assert [cell.formula for row in page.rows for cell in row if cell.formula] == []
    compare(page, in_csv)


def compare(page: Page, told: Any) -> None:
    found = [row + [None] * (len(NAMES) - len(row)) for row in page.values[1:]]
    stored = [[getattr(one, name) for name in NAMES] for one in Specimen.objects.order_by("key")]
    expected = [[None if value in (None, "") else told(value) for value in row] for row in stored]

    assert len(page.values[0]) == len(NAMES)
    assert len(found) >= len(expected) - 1, "the last row is empty"
    for row, wanted in zip(found, expected, strict=False):
        assert all(map(same, row, wanted)), [pair for pair in zip(row, wanted, strict=True) if not same(*pair)]


def same(found: Any, expected: Any) -> bool:
    if isinstance(found, str) and isinstance(expected, (float, datetime, time)):
        return bool(expected == (float(found) if isinstance(expected, float) else type(expected).fromisoformat(found)))
    if isinstance(expected, float) and isinstance(found, float):
        return math.isclose(found, expected, rel_tol=1e-14)
    if isinstance(expected, datetime):
        moment = found if isinstance(found, datetime) else datetime.combine(found, time())
        return abs(moment - expected) < timedelta(milliseconds=1)
    return type(found) is type(expected) and bool(found == expected)


def in_workbook(value: Any) -> Any:
    """Return what a workbook can hold of a value: what it can't hold exactly is the exact text."""
    match value:
        case str():
            return in_xml(value)
        case bool() | time():
            return value
        case int():
            return float(value) if abs(value) < 10**15 else str(value)
        case Decimal() | float():
            return float(value)
        case datetime():
            return value.astimezone(ZONE).replace(tzinfo=None)
        case date():
            return value if value >= date(1900, 3, 1) else value.isoformat()
        case _:
            return in_csv(value)


def in_xml(text: str) -> str:
    """Return a text as LibreOffice's own XML can tell it: without control characters."""
    return text.replace("\r\n", "\n").replace("\x01\x1f", "")


def in_csv(value: Any) -> Any:
    """Return the text that stands for a value; a text that looks like a formula is defused."""
    match value:
        case dict():
            return f'{{"n": [{value["n"][0]}, "=1", null]}}'
        case str():
            text = in_xml(value)
            return f"'{text}" if text.lstrip(" ")[:1] in "=+-@\t\uff1d" else text
        case bool():
            return "true" if value else "false"
        case datetime() | time() | float():
            return value
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case _:
            return str(value)
