"""Columns as ``jsonb`` in PostgreSQL; whatever the session's settings for dates, intervals and time zones are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field

from gridkit_django.audit.kinds import TEXTS, WHOLE

AnyField: TypeAlias = "Field[Any, Any]"

_UNLIKE = frozenset({"DecimalField", "FloatField", "DateTimeField", "TimeField", "DurationField", "BinaryField"})
"""Kinds of fields whose JSON form is not PostgreSQL's own."""

_DAY = 86_400_000_000
"""Microseconds of a day."""


def is_exact(_field: AnyField, _connection: BaseDatabaseWrapper) -> bool:
    """Say that every column of Django's own fields has its exact form."""
    return True


def text_sql(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the text of a scalar."""
    if field.get_internal_type() in WHOLE | TEXTS | {"UUIDField", "DecimalField"}:
        return f"({column})::text"
    return f"({json_sql(field, column, connection)} #>> '{{}}')"


def json_sql(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the expression that gives a column as ``jsonb``."""
    if isinstance(getattr(field, "base_field", None), Field) and field.get_internal_type() == "ArrayField":
        return _array(field, column, connection)
    if getattr(field, "range_type", None) is not None:
        return _range(field, column, connection)
    return _scalar(field, connection)(column)


def json_text_sql(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the expression that gives a column as the text of JSON; common kinds without a ``jsonb`` in between."""
    kind = field.get_internal_type()
    if kind in WHOLE or kind == "BooleanField":
        return f"({column})::text"
    if kind in TEXTS or kind == "DateField":
        return f"pg_catalog.to_json({column})::text"
    if kind in ("DecimalField", "UUIDField"):
        return f"'\"' || ({column})::text || '\"'"
    if kind == "DateTimeField":
        return _datetime_text(column, _zone(connection))
    return f"({json_sql(field, column, connection)})::text"


def has_floats(field: AnyField) -> bool:
    """Say whether a column holds floats, the only values whose text a setting of the session could cut."""
    base = getattr(field, "base_field", None)
    return field.get_internal_type() == "FloatField" or (isinstance(base, Field) and has_floats(base))


def _scalar(field: AnyField, connection: BaseDatabaseWrapper) -> Callable[[str], str]:
    match field.get_internal_type():
        case "DecimalField":
            return _decimal
        case "FloatField":
            return _float
        case "DateTimeField":
            return partial(_datetime, zone=_zone(connection))
        case "TimeField":
            return _time
        case "DurationField":
            return _duration
        case "BinaryField":
            return _binary
        case _:
            return _plain


def _plain(column: str) -> str:
    return f"pg_catalog.to_jsonb({column})"


def _decimal(column: str) -> str:
    return f"pg_catalog.to_jsonb(({column})::text)"


def _float(column: str) -> str:
    """Keep the ``.0`` that says that a whole number is a float."""
    whole = f"((({column})::bigint)::text || '.0')::jsonb"
    return (
        f"(CASE WHEN pg_catalog.abs({column}) < 1e16 AND {column} = pg_catalog.trunc({column}) "
        f"THEN {whole} ELSE pg_catalog.to_jsonb({column}) END)"
    )


def _zone(connection: BaseDatabaseWrapper) -> str:
    return "UTC" if settings.USE_TZ else connection.timezone_name


def _datetime(column: str, zone: str) -> str:
    """Write every microsecond or none, as Python does. What no Python datetime can hold stays as PostgreSQL has it."""
    known, form, local = _datetime_forms(column, zone, "")
    return (
        f"(CASE WHEN {known} THEN pg_catalog.to_jsonb(pg_catalog.to_char({local}, {form})) "
        f"ELSE pg_catalog.to_jsonb({local}) END)"
    )


def _datetime_text(column: str, zone: str) -> str:
    """Write the same as ``_datetime``, in quotes."""
    known, form, local = _datetime_forms(column, zone, '\\"')
    return f"(CASE WHEN {known} THEN pg_catalog.to_char({local}, {form}) ELSE pg_catalog.to_json({local})::text END)"


def _datetime_forms(column: str, zone: str, quote: str) -> tuple[str, str, str]:
    """Return whether Python can hold a datetime, the form of its text, and the local time that is written."""
    local = f"(({column}) AT TIME ZONE '{zone}')"
    offset = '"+00:00"' if settings.USE_TZ else ""
    form = _with_fraction(
        f"({column})::timestamptz(0) = {column}", f'{quote}YYYY-MM-DD"T"HH24:MI:SS', f"{offset}{quote}"
    )
    # In UTC Python holds all of these years; in other zones their first and last day may be outside of them.
    first, after = ("0001-01-01", "10000-01-01") if settings.USE_TZ else ("0001-01-02", "9999-12-31")
    known = f"{column} >= '{first} 00:00:00+00' AND {column} < '{after} 00:00:00+00'"
    return known, form, local


def _time(column: str) -> str:
    form = _with_fraction(f"({column})::time(0) = {column}", "HH24:MI:SS", "")
    return f"pg_catalog.to_jsonb(pg_catalog.to_char(({column})::interval, {form}))"


def _with_fraction(is_whole: str, form: str, end: str) -> str:
    return f"CASE WHEN {is_whole} THEN '{form}{end}' ELSE '{form}.US{end}' END"


def _duration(column: str) -> str:
    """Count a year as 365 days and a month as 30, as the driver does, and write ISO 8601."""
    days = " + ".join(f"extract({part} FROM {column}) * {size}" for part, size in (("year", 365), ("month", 30)))
    micros = (
        f"(({days} + extract(day FROM {column})) * {_DAY} + extract(hour FROM {column}) * 3600000000 "
        f"+ extract(minute FROM {column}) * 60000000 + extract(microseconds FROM {column}))::bigint"
    )
    clock = " || ".join(
        f"{_padded(f'a / {size}', modulus)} || '{unit}'"
        for size, modulus, unit in ((3_600_000_000, 24, "H"), (60_000_000, 60, "M"))
    )
    text = (
        f"(CASE WHEN m < 0 THEN '-' ELSE '' END) || 'P' || a / {_DAY} || 'DT' || {clock} "
        f"|| {_padded('a / 1000000', 60)} "
        "|| CASE WHEN pg_catalog.mod(a, 1000000) = 0 THEN '' "
        "ELSE '.' || pg_catalog.lpad(pg_catalog.mod(a, 1000000)::text, 6, '0') END || 'S'"
    )
    return (
        f"(SELECT CASE WHEN m IS NOT NULL THEN pg_catalog.to_jsonb({text}) END "  # noqa: S608 - text of this module
        f"FROM (SELECT m, pg_catalog.abs(m) AS a FROM (SELECT {micros} AS m) AS gk_micros) AS gk_duration)"
    )


def _padded(number: str, modulus: int) -> str:
    return f"pg_catalog.lpad(pg_catalog.mod({number}, {modulus})::text, 2, '0')"


def _binary(column: str) -> str:
    """Take out the line breaks that PostgreSQL puts into base64."""
    return f"pg_catalog.to_jsonb(pg_catalog.translate(pg_catalog.encode({column}, 'base64'), pg_catalog.chr(10), ''))"


def _range(field: Any, column: str, connection: BaseDatabaseWrapper) -> str:
    """Write the ends of a range within its brackets; PostgreSQL's own text depends on settings of the session."""
    write = _scalar(field.base_field, connection)
    lower, upper = (f"COALESCE({write(f'pg_catalog.{end}({column})')} #>> '{{}}', '')" for end in ("lower", "upper"))
    first, last = (
        f"CASE WHEN pg_catalog.{end}_inc({column}) THEN '{closed}' ELSE '{opened}' END"
        for end, closed, opened in (("lower", "[", "("), ("upper", "]", ")"))
    )
    return (
        f"(CASE WHEN pg_catalog.isempty({column}) THEN pg_catalog.to_jsonb('empty'::text) WHEN {column} IS NOT NULL "
        f"THEN pg_catalog.to_jsonb({first} || {lower} || ',' || {upper} || {last}) END)"
    )


def _array(field: Any, column: str, connection: BaseDatabaseWrapper) -> str:
    """Write an array as lists of lists, each element in its own form."""
    depth, base = 1, field.base_field
    while base.get_internal_type() == "ArrayField":
        depth, base = depth + 1, base.base_field
    if base.get_internal_type() not in _UNLIKE:
        return _plain(column)
    places = [f"gk_{level}" for level in range(1, depth + 1)]
    inner = _scalar(base, connection)(column + "".join(f"[{place}]" for place in places))
    for level in range(depth, 0, -1):
        place = places[level - 1]
        inner = (
            f"(SELECT pg_catalog.jsonb_agg({inner} ORDER BY {place}) "  # noqa: S608 - text of this module
            f"FROM pg_catalog.generate_subscripts({column}, {level}) AS {place})"
        )
    return f"(CASE WHEN {column} IS NOT NULL THEN COALESCE({inner}, '[]'::jsonb) END)"
