"""The two ways to the same file: rows that PostgreSQL writes, and values that Python writes. Every byte is the same.

Each file is also read back with Python's own readers and compared with the database, cell by cell.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gridkit_django.exports.rows import RowSource
from gridkit_django.exports.source import sqlcells
from gridkit_django.grids import ChoiceColumn, DateColumn, Grid, GridAccess, TextColumn
from gridkit_django.grids.query import GridQuery
from gridkit_django.typing import JSONValue
from gridkit_plugins.export.exporters.csv import CsvExporter
from gridkit_plugins.export.exporters.json import JsonExporter, NdjsonExporter
from tests.official.ways import in_one_go, same, sheet_of, ways
from tests.shop.models import Product, Specimen

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

NAMES = ["key", "text", "whole", "truth", "money", "tiny", "units", "real", "moment", "day", "clock", "token", "data"]
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Africa/Monrovia"]


class SpecimenGrid(Grid):
    """A column of every type."""

    class Meta:
        model = Specimen
        id = "export-specimens"
        columns = NAMES
        default_sort = ["whole"]


class CategoryGrid(Grid):
    """Choices."""

    category = ChoiceColumn()

    class Meta:
        model = Product
        id = "export-categories"
        columns = ["category", "sku"]
        default_sort = ["sku"]


class FilledGrid(Grid):
    """Columns of which most have a value in each row."""

    class Meta:
        model = Product
        id = "export-filled"
        columns = ["sku", "name", "price", "stock", "active", "released"]
        default_sort = ["sku"]


class Masked(TextColumn):
    """Written by Python."""

    def _wire(self, value: Any, zone: Any) -> JSONValue:
        return "=" + value[-1]


class MaskedGrid(Grid):
    """A column that the database must not write."""

    sku = Masked()

    class Meta:
        model = Product
        id = "export-masked-path"
        columns = ["sku"]


LETTERS = st.text(
    st.one_of(
        st.characters(exclude_characters="\x00", exclude_categories=["Cs"]),
        st.sampled_from("=+-@\t\r\n,;\"' \\.\uff1d\uff0b\x01\x02é数🛫"),
    ),
    max_size=12,
)
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e15, 1e16, -0.0, 123456789012345.6, 1e-5, 0.1, 1.0]),
)
DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), FLOATS, LETTERS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(LETTERS, inner, max_size=3)),
    max_leaves=5,
)


def money(places: int, digits: int) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda number: Decimal(number).scaleb(-places))


SPECIMENS = st.lists(
    st.builds(
        Specimen,
        key=st.uuids(),
        text=st.one_of(st.none(), LETTERS),
        whole=st.one_of(st.none(), st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)),
        truth=st.one_of(st.none(), st.booleans()),
        money=st.one_of(st.none(), money(2, 12)),
        tiny=st.one_of(st.none(), money(9, 12)),
        units=st.one_of(st.none(), money(0, 8)),
        real=st.one_of(st.none(), FLOATS),
        moment=st.one_of(st.none(), st.datetimes(datetime(1850, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
        day=st.one_of(st.none(), st.dates(date(1, 1, 1), date(9999, 12, 31))),
        clock=st.one_of(st.none(), st.times()),
        token=st.one_of(st.none(), st.uuids()),
        data=st.one_of(st.none(), DOCUMENTS),
    ),
    max_size=7,
    unique_by=lambda specimen: specimen.key,
)
FEW = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def stored(db: None) -> Any:
    def store(specimens: list[Specimen]) -> list[Specimen]:
        Specimen.objects.all().delete()
        Specimen.objects.bulk_create(specimens)
        return list(Specimen.objects.all())

    return store


@FEW
@given(specimens=SPECIMENS, size=st.integers(1, 8), zone=st.sampled_from(ZONES), data=st.data())
def test_csv_is_the_same_in_every_way_and_reads_back_as_the_database(
    stored: Any, specimens: list[Specimen], size: int, zone: str, data: st.DataObject
):
    held = {str(item.pk): item for item in stored(specimens)}
    options = {
        "delimiter": data.draw(st.sampled_from([",", ";", "\t", "|"])),
        "decimal": data.draw(st.sampled_from([".", ","])),
        "lineEnd": data.draw(st.sampled_from(["crlf", "lf"])),
        "guard": data.draw(st.booleans()),
        "encoding": data.draw(st.sampled_from(["utf-8", "utf-16"])),
        "compress": data.draw(st.sampled_from(["none", "gzip", "zip"])),
    }
    file = same(ways(SpecimenGrid, CsvExporter, size, zone=zone, **options))
    text = file.decode("utf-16" if options["encoding"] == "utf-16" else "utf-8")
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=str(options["delimiter"]))

    assert header == NAMES
    assert len(rows) == len(held)
    for row in rows:
        cells = dict(zip(NAMES, row, strict=True))
        item = held[cells["key"]]
        for name in ("money", "tiny", "units", "real"):
            cells[name] = cells[name].replace(str(options["decimal"]), ".")
        assert {name: READERS[name](cells[name]) for name in NAMES[2:]} == {
            **{name: getattr(item, name) for name in NAMES[2:]},
            "data": None if item.data is None else floated(json.dumps(item.data)),
        }
        plain = item.text or ""
        assert cells["text"] in ([plain] if not options["guard"] else [plain, "'" + plain])


def nothing_or(kind: Any) -> Any:
    return lambda text: None if text == "" else kind(text)


def floated(text: str) -> Any:
    """Read a document; a float that is written out whole reads as an integer, so all numbers are read as floats."""
    return json.loads(text, parse_int=float)


READERS: dict[str, Any] = {
    "whole": nothing_or(int),
    "truth": nothing_or({"true": True, "false": False}.__getitem__),
    "money": nothing_or(Decimal),
    "tiny": nothing_or(Decimal),
    "units": nothing_or(Decimal),
    "real": nothing_or(float),
    "moment": nothing_or(datetime.fromisoformat),
    "day": nothing_or(date.fromisoformat),
    "clock": nothing_or(time.fromisoformat),
    "token": nothing_or(UUID),
    "data": nothing_or(floated),
}


@FEW
@given(specimens=SPECIMENS, size=st.integers(1, 8), zone=st.sampled_from(ZONES), data=st.data())
def test_json_is_the_same_in_every_way_and_reads_back_as_the_database(
    stored: Any, specimens: list[Specimen], size: int, zone: str, data: st.DataObject
):
    held = {str(item.pk): item for item in stored(specimens)}
    options = {
        "decimals": data.draw(st.sampled_from(["text", "number"])),
        "largeIntegers": data.draw(st.sampled_from(["text", "number"])),
        "compress": data.draw(st.sampled_from(["none", "gzip", "zip"])),
    }
    array = json.loads(same(ways(SpecimenGrid, JsonExporter, size, zone=zone, **options)), parse_float=Decimal)
    lines = same(ways(SpecimenGrid, NdjsonExporter, size, zone=zone, **options)).split(b"\n")[:-1]

    assert [json.loads(line, parse_float=Decimal) for line in lines] == array
    assert len(array) == len(held)
    for row in array:
        item = held[row["key"]]
        assert row["text"] == item.text
        assert [None if row[name] is None else int(row[name]) for name in ("whole",)] == [item.whole]
        assert [None if row[name] is None else Decimal(row[name]) for name in ("money", "tiny", "units")] == [
            item.money, item.tiny, item.units,
        ]  # fmt: skip
        assert (None if row["real"] is None else float(row["real"])) == item.real
        assert (None if row["moment"] is None else datetime.fromisoformat(row["moment"])) == item.moment
        large = item.whole is not None and abs(item.whole) >= 2**53
        assert isinstance(row["whole"], str) is (large and options["largeIntegers"] == "text")


@pytest.mark.postgres_only
def test_floats_that_are_no_numbers_are_the_same_in_every_way(stored: Any):
    stored([Specimen(whole=1, real=math.nan), Specimen(whole=2, real=math.inf), Specimen(whole=3, real=-math.inf)])

    rows = list(csv.DictReader(io.StringIO(same(ways(SpecimenGrid, CsvExporter, 2)).decode(), newline="")))
    assert [row["real"] for row in rows] == ["NaN", "Infinity", "-Infinity"]
    assert [row["real"] for row in json.loads(same(ways(SpecimenGrid, JsonExporter, 2)))] == [None] * 3


@pytest.mark.postgres_only
def test_json_is_the_same_by_older_servers(stored: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlcells, "_SCALAR_SINCE", 10**9)
    stored([Specimen(text='"\\\n\x01é', moment=datetime(2026, 5, 17, 12, tzinfo=UTC)), Specimen()])

    rows = json.loads(same(ways(SpecimenGrid, JsonExporter, 2)))
    assert {row["text"] for row in rows} == {'"\\\n\x01é', None}


def test_columns_that_always_have_a_value_are_the_same_in_every_way(db: None):
    Product.objects.create(sku="s1", name='"a"', price="1.50", stock=3, released=date(2026, 5, 17))
    Product.objects.create(sku="s2", name="", price=0)

    rows = json.loads(same(ways(FilledGrid, JsonExporter, 3)))
    assert [(row["name"], row["price"], row["stock"], row["active"]) for row in rows] == [
        ('"a"', "1.50", 3, True), ("", "0.00", 0, True),
    ]  # fmt: skip


def test_more_columns_than_one_call_of_the_database_takes_are_the_same_in_every_way(stored: Any):
    names = [f"day_{number}" for number in range(45)]
    held = {"model": Specimen, "id": "export-wide", "columns": names}
    wide = type("Wide", (Grid,), {name: DateColumn("day") for name in names} | {"Meta": type("Meta", (), held)})
    stored([Specimen(day=date(2026, 5, 17)), Specimen(day=None)])

    rows = json.loads(same(ways(wide, JsonExporter, 2)))
    assert sorted(rows, key=str) == [dict.fromkeys(names, "2026-05-17"), dict.fromkeys(names)]


def test_labels_are_the_same_in_every_way_and_guarded(db: None):
    for number, kind in enumerate(["book", "=left", "toy", ""]):
        Product.objects.create(sku=f"s{number}", name="n", category=kind, price=1)
    file = same(ways(CategoryGrid, CsvExporter, 3, values="label", header="label"))

    assert file.decode().split("\r\n") == ["'-Category,'-Sku", "Book,s0", "'=left,s1", "Toy,s2", ",s3", ""]
    assert [row["category"] for row in json.loads(same(ways(CategoryGrid, JsonExporter, 3, values="label")))] == [
        "Book", "=left", "Toy", "",
    ]  # fmt: skip


@pytest.mark.parametrize("texts", [["", "a", "\\.", ' "x"', "."]])
def test_a_single_column_is_the_same_in_every_way(stored: Any, texts: list[str]):
    class Alone(Grid):
        class Meta:
            model = Specimen
            id = "export-alone"
            columns = ["text"]

    stored([Specimen(key=UUID(int=number), text=text) for number, text in enumerate([*texts, None])])
    for line_end in ("lf", "crlf"):
        file = same(ways(Alone, CsvExporter, 2, lineEnd=line_end))

        assert list(csv.reader(io.StringIO(file.decode(), newline="")))[1:] == [[text] for text in [*texts, ""]]


def test_columns_that_python_writes_keep_the_database_from_writing(db: None):
    Product.objects.create(sku="s7", name="n", price=1)
    source = RowSource(GridAccess(MaskedGrid, User(username="ann")), GridQuery())
    sheet = sheet_of(source)
    reason = source.why_not_copied(CsvExporter.shape(sheet))

    assert ("Python code of this site: sku" if connection.vendor == "postgresql" else "not in PostgreSQL") in reason
    assert in_one_go(source, replace(sheet, options={"header": "none"}), CsvExporter()) == b"'=7\r\n"


def test_no_rows_are_a_whole_file_in_every_way(stored: Any):
    stored([])

    assert same(ways(CategoryGrid, CsvExporter, 3)) == b"category,sku\r\n"
    assert json.loads(same(ways(CategoryGrid, JsonExporter, 3))) == []
    assert same(ways(CategoryGrid, NdjsonExporter, 3)) == b""


@pytest.mark.postgres_only
def test_a_zone_without_a_name_that_postgresql_knows_keeps_it_from_writing(stored: Any):
    source = RowSource(GridAccess(SpecimenGrid, User(username="ann")), GridQuery())
    shape = CsvExporter.shape(sheet_of(source))

    source.zone = timezone(timedelta(hours=3))
    assert "has no name" in source.why_not_copied(shape)
    source.zone = Foreign("Mars/Olympus")
    assert "does not know the time zone Mars/Olympus" in source.why_not_copied(shape)
    assert Specimen.objects.count() == 0, "the transaction goes on"


class Foreign(tzinfo):
    """A zone of another world."""

    def __init__(self, key: str) -> None:
        self.key = key
