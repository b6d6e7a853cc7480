"""Columns as JSON in SQL: the same as the JSON of the value in Python, on each database."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.postgres.fields import (
    ArrayField,
    DateRangeField,
    DateTimeRangeField,
    DecimalRangeField,
    IntegerRangeField,
)
from django.db import connection, models
from django.db.models import F
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridkit_django.audit import json_value
from gridkit_django.audit.capture.values import writer_of
from gridkit_django.audit.sqljson import is_exact, json_sql, text_sql
from gridkit_django.exceptions import AuditError
from tests.shop.models import Order, Specimen

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MOMENTS = st.datetimes(timezones=st.just(dt.UTC))
VALUES = {
    "text": TEXT,
    "whole": st.integers(-(2**63), 2**63 - 1),
    "truth": st.booleans(),
    "money": st.decimals(-9_999_999_999, 9_999_999_999, places=2),
    "tiny": st.decimals(-999, 999, places=9),
    "units": st.decimals(-99_999_999, 99_999_999, places=0),
    "real": st.floats(-1e300, 1e300, allow_subnormal=False) | st.sampled_from([float("inf"), 0.1]),
    "moment": MOMENTS,
    "day": st.dates(),
    "clock": st.times(),
    "span": st.timedeltas(dt.timedelta(days=-90_000_000), dt.timedelta(days=90_000_000)),
    "token": st.uuids(),
    "data": JSON,
    "raw": st.binary(max_size=100),
    "address": st.ip_addresses().map(str),
    "file": st.sampled_from(["a/b.txt", "ü.png"]),
}
ROWS = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})


def written(model: type[models.Model], pk: Any) -> dict[str, Any]:
    """Return what SQL says of the columns of a row, as JSON."""
    fields = model._meta.concrete_fields
    parts = [json_sql(field, f't."{field.column}"', connection) for field in fields]
    with connection.cursor() as cursor:
        key = model._meta.pk.get_db_prep_value(pk, connection)
        text = ", ".join(f"({part})::text" if connection.vendor == "postgresql" else f"json({part})" for part in parts)
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(f'SELECT {text} FROM {table} t WHERE "{model._meta.pk.column}" = %s', [key])
        row = cursor.fetchone()
    return {field.name: row[at] and json.loads(row[at]) for at, field in enumerate(fields)}


def read(model: type[models.Model], pk: Any) -> dict[str, Any]:
    """Return what Python says of the values of a row, as JSON that the database has stored."""
    fields = [
        field for field in model._meta.concrete_fields if connection.vendor == "postgresql" or field.name != "raw"
    ]
    values = model._base_manager.values_list(*[field.attname for field in fields]).get(pk=pk)
    return {field.name: json_value(value) for field, value in zip(fields, values, strict=True)}


def agree(model: type[models.Model], pk: Any) -> None:
    """Compare what SQL and Python say of a row, wherever SQL promises to be exact."""
    sql, python = written(model, pk), read(model, pk)
    for field in model._meta.concrete_fields:
        if field.name == "real" and isinstance(python["real"], float):
            assert float(sql["real"]) == python["real"]
        elif is_exact(field, connection):
            assert stored(sql[field.name]) == stored(python[field.name]), field.name


def stored(value: Any) -> str:
    """Return a value as the database gives it back: PostgreSQL keeps numbers as digits without an exponent."""
    text = json.dumps(value, sort_keys=True)
    if connection.vendor != "postgresql":
        return text
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::jsonb::text", [text])
        return str(cursor.fetchone()[0])


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(ROWS)
def test_any_row_has_the_same_json_in_sql_and_in_python(values: dict[str, Any]) -> None:
    row = Specimen.objects.create(**values)
    agree(Specimen, row.pk)
    row.delete()


EDGES: list[dict[str, Any]] = [
    {},
    {"real": 0.1, "money": Decimal("-0.00"), "span": dt.timedelta(0), "clock": dt.time(0), "text": "", "raw": b""},
    {"real": -0.0, "whole": 0, "truth": False, "data": [], "units": Decimal(0), "tiny": Decimal("1E-9")},
    {"real": float("inf"), "span": dt.timedelta(microseconds=-1), "clock": dt.time(1, 2, 3, 400_000)},
    {"real": float("-inf"), "span": dt.timedelta(days=-1, microseconds=1), "raw": bytes(range(256))},
    {"real": 1e16, "data": {"a": 5.0, "b": [1e22, None]}, "span": dt.timedelta(days=400, hours=25, seconds=61)},
    {"real": 5.0, "data": "text", "moment": dt.datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=dt.UTC)},
    {"real": 9999999999999998.0, "moment": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "address": "::1"},
    {"text": "100% \\ \" '\n{x}", "data": {"\\u0000": "\\", "%s": "é😀"}, "address": "192.168.0.1"},
    {"moment": dt.datetime.max.replace(tzinfo=dt.UTC)},
    {"moment": dt.datetime.min.replace(tzinfo=dt.UTC)},
]


@pytest.mark.parametrize("values", EDGES, ids=range(len(EDGES)))
def test_edge_of_a_type_has_the_same_json_in_sql_and_in_python(values: dict[str, Any]) -> None:
    agree(Specimen, Specimen.objects.create(**values).pk)


def test_nan_is_the_text_that_python_writes() -> None:
    if connection.vendor == "postgresql":  # SQLite stores NULL for it
        row = Specimen.objects.create(real=float("nan"))
        assert written(Specimen, row.pk)["real"] == "NaN"


def test_nul_in_json_becomes_the_replacement_character() -> None:
    if connection.vendor == "sqlite":  # PostgreSQL stores none
        row = Specimen.objects.create(data={"a": "\x00", "b": "\\u0000", "c": "\\\x00"})
        assert written(Specimen, row.pk)["data"] == json_value(row.data)


@pytest.mark.parametrize("factor", ["0.5", "0.1", "0.005", "0.3333", "1.5", "-0.25", "0.015"])
def test_decimal_that_the_database_calculated_is_rounded_as_python_reads_it(factor: str) -> None:
    for amount in ("0.25", "0.75", "1.05", "2.35", "9999999.99", "0.01", "-0.05", "12.15"):
        row = Specimen.objects.create(money=Decimal(amount), units=Decimal(7))
        Specimen.objects.filter(pk=row.pk).update(
            money=F("money") * Decimal(factor), units=F("units") * Decimal(factor)
        )
        agree(Specimen, row.pk)


def test_key_of_another_row_has_the_form_of_that_row_s_key() -> None:
    parent = Specimen.objects.create()
    child = Specimen.objects.create(parent=parent)
    assert written(Specimen, child.pk)["parent"] == str(parent.pk)


def test_key_as_text_is_the_text_of_the_key() -> None:
    row = Specimen.objects.create(whole=42, text="%x")
    fields = [Specimen._meta.get_field(name) for name in ("key", "whole", "text")]
    parts = ", ".join(text_sql(field, field.column, connection) for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {parts} FROM shop_specimen")
        assert cursor.fetchone() == (str(row.pk), "42", "%x")


def test_generated_column_has_the_form_of_its_output() -> None:
    field = models.GeneratedField(
        expression=F("price"), output_field=models.DecimalField(max_digits=5, decimal_places=2), db_persist=True
    )
    assert json_sql(field, '"c"', connection) == json_sql(field.output_field, '"c"', connection)


def test_settings_of_the_session_change_nothing() -> None:
    if connection.vendor != "postgresql":
        return
    row = Specimen.objects.create(
        moment=dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC), day=dt.date(2026, 7, 1), span=dt.timedelta(days=3, seconds=5)
    )
    expected = written(Specimen, row.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL datestyle = 'German'")
        cursor.execute("SET LOCAL intervalstyle = 'sql_standard'")
        cursor.execute("SET LOCAL bytea_output = 'escape'")
    assert written(Specimen, row.pk) == expected
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Kathmandu'")
    assert written(Specimen, row.pk) == expected


ARRAYS: list[tuple[Any, str, Any]] = [
    (models.IntegerField(), "ARRAY[1, NULL, 3]", [1, None, 3]),
    (models.DecimalField(max_digits=6, decimal_places=2), "ARRAY[1.5, NULL]::numeric(6,2)[]", ["1.50", None]),
    (models.FloatField(), "ARRAY[5, 0.1]::float8[]", [5.0, 0.1]),
    (models.DateTimeField(), "ARRAY['2026-01-02 03:04:05.5+01'::timestamptz]", ["2026-01-02T02:04:05.500000+00:00"]),
    (models.TimeField(), "'{}'::time[]", []),
    (models.TimeField(), "NULL::time[]", None),
    (ArrayField(models.TextField()), "ARRAY[['a','b'],['c','d']]", [["a", "b"], ["c", "d"]]),
    (ArrayField(models.DecimalField()), "ARRAY[[1.0,2.0],[3.0,4.0]]", [["1.0", "2.0"], ["3.0", "4.0"]]),
]


@pytest.mark.parametrize(("base", "value", "expected"), ARRAYS, ids=range(len(ARRAYS)))
@pytest.mark.postgres_only
def test_array_is_a_list_of_its_elements_each_in_its_own_form(base: Any, value: str, expected: Any) -> None:
    field = ArrayField(base)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({json_sql(field, 'c', connection)})::text FROM (SELECT {value} AS c) AS t")
        text = cursor.fetchone()[0]
    assert (text and json.loads(text)) == expected
    assert is_exact(field, connection)


RANGES: list[tuple[Any, str, Any]] = [
    (IntegerRangeField(), "int4range(1, 9, '[]')", "[1,10)"),
    (IntegerRangeField(), "'empty'::int4range", "empty"),
    (DecimalRangeField(), "numrange(1.5, 2.50, '(]')", "(1.5,2.50]"),
    (DateRangeField(), "daterange(NULL, '2026-01-02')", "(,2026-01-02)"),
    (DateTimeRangeField(), "tstzrange('2026-01-02 03:04:05.5+01', NULL)", "[2026-01-02T02:04:05.500000+00:00,)"),
    (DateTimeRangeField(), "NULL::tstzrange", None),
]


@pytest.mark.parametrize(("field", "value", "expected"), RANGES, ids=range(len(RANGES)))
@pytest.mark.postgres_only
def test_range_is_its_ends_within_its_brackets_in_sql_and_in_python(field: Any, value: str, expected: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ({json_sql(field, 'c', connection)})::text, c FROM (SELECT {value} AS c) AS t")
        text, read = cursor.fetchone()
    assert (text and json.loads(text)) == writer_of(field)(read) == expected


BEYOND = [
    ("DateTimeField", "'infinity'::timestamptz", "infinity"),
    ("DateTimeField", "'0044-03-15 12:00:00+00 BC'::timestamptz", "0044-03-15T12:00:00 BC"),
    ("DateField", "'-infinity'::date", "-infinity"),
    ("DurationField", "'1 year 2 mons -3 days 04:05:06.5'::interval", "P422DT04H05M06.500000S"),
    ("DecimalField", "'NaN'::numeric", "NaN"),
]


@pytest.mark.parametrize(("kind", "value", "expected"), BEYOND, ids=[value for _, value, _ in BEYOND])
@pytest.mark.postgres_only
def test_value_that_only_postgresql_can_hold_is_told_and_stops_nothing(kind: str, value: str, expected: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {json_sql(getattr(models, kind)(), 'c', connection)} FROM (SELECT {value} AS c) AS t")
        assert json.loads(cursor.fetchone()[0]) == expected


def test_field_that_converts_what_it_reads_is_not_exact() -> None:
    class Shouting(models.CharField):
        def from_db_value(self, value: str, _expression: Any, _connection: Any) -> str:
            return value.upper()

    assert not is_exact(Shouting(), connection)
    assert not is_exact(ArrayField(Shouting()), connection)
    assert is_exact(models.CharField(), connection)
    assert is_exact(Order._meta.get_field("customer"), connection)


def test_naive_datetimes_of_a_site_without_time_zones_stay_naive() -> None:
    with override_settings(USE_TZ=False):
        field = Specimen._meta.get_field("moment")
        value = "'2026-01-02 03:04:05.5'" + ("::timestamptz" if connection.vendor == "postgresql" else "")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {json_sql(field, 'c', connection)} FROM (SELECT {value} AS c) AS t")
            assert json.loads(cursor.fetchone()[0]) == "2026-01-02T03:04:05.500000"


def test_kinds_that_sqlite_cannot_write_exactly_say_so() -> None:
    if connection.vendor == "sqlite":
        assert not is_exact(Specimen._meta.get_field("raw"), connection)
        row = Specimen.objects.create(raw=b"\x00\xff")
        assert written(Specimen, row.pk)["raw"] == "00FF"
        elsewhere = SimpleNamespace(vendor="sqlite", timezone=dt.timezone(dt.timedelta(hours=1)))
        assert not is_exact(Specimen._meta.get_field("moment"), elsewhere)
        assert not is_exact(ArrayField(models.IntegerField()), connection)


def test_other_database_is_refused() -> None:
    with pytest.raises(AuditError, match="not for Oracle"):
        json_sql(models.TextField(), "c", SimpleNamespace(vendor="oracle", display_name="Oracle"))


def test_uuid_is_lower_case_with_dashes_however_it_was_stored() -> None:
    row = Specimen.objects.create(token=uuid.UUID(int=0xABC))
    assert written(Specimen, row.pk)["token"] == "00000000-0000-0000-0000-000000000abc"
