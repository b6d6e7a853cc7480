"""Columns as JSON text in SQLite, from the forms that Django stores: decimals as floats, UUIDs as 32 digits.

The character ``%`` is written ``char(37)``: a statement with parameters would take it for one of them.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any, TypeAlias

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field

from gridkit_django.audit.kinds import TEXTS, WHOLE

AnyField: TypeAlias = "Field[Any, Any]"

AS_TEXT = TEXTS | {"FilePathField", "DateField", "GenericIPAddressField", "IPAddressField"}
"""Kinds that are stored as the text that stands in a record."""

_SHAPED = frozenset(
    {
        "BooleanField",
        "DecimalField",
        "FloatField",
        "DateTimeField",
        "TimeField",
        "DurationField",
        "UUIDField",
        "JSONField",
    }
)


def is_exact(field: AnyField, connection: BaseDatabaseWrapper) -> bool:
    """Say whether a kind of field has its exact form here, see ``gridkit_django.audit.sqljson.is_exact``."""
    kind = field.get_internal_type()
    if kind == "DateTimeField" and settings.USE_TZ:
        return connection.timezone == UTC
    return kind in WHOLE | AS_TEXT | _SHAPED


def text_sql(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the text of a scalar."""
    if field.get_internal_type() in WHOLE | AS_TEXT:
        return f"CAST({column} AS TEXT)"
    return f"CAST(json_extract({json_sql(field, column, connection)}, '$') AS TEXT)"


def json_text_sql(field: AnyField, column: str, connection: BaseDatabaseWrapper) -> str:
    """Return the expression that gives a column as JSON text, as ``json_sql`` does."""
    return json_sql(field, column, connection)


def json_sql(field: AnyField, column: str, _connection: BaseDatabaseWrapper) -> str:
    """Return the expression that gives a column as JSON text."""
    kind = field.get_internal_type()
    shaped = {
        "BooleanField": _boolean,
        "FloatField": _float,
        "DateTimeField": _datetime,
        "TimeField": _time,
        "DurationField": _duration,
        "UUIDField": _uuid,
        "JSONField": _json,
    }
    if kind == "DecimalField":
        return _decimal(column, field.decimal_places)  # type: ignore[attr-defined]
    if kind in shaped:
        return shaped[kind](column)
    quoted = f"CASE WHEN {column} IS NOT NULL THEN json_quote({column}) END"
    if kind in WHOLE:
        return f"({quoted})"
    if kind in AS_TEXT:
        return f"(CASE WHEN instr({column}, char(0)) THEN {_json(f'json_quote({column})')} ELSE {quoted} END)"
    return f"(CASE typeof({column}) WHEN 'blob' THEN json_quote(hex({column})) ELSE {quoted} END)"


def _boolean(column: str) -> str:
    return f"(CASE WHEN {column} THEN 'true' WHEN NOT {column} THEN 'false' END)"


def _float(column: str) -> str:
    """Write 20 digits: SQLite's own shortest text is sometimes that of the float next to it, 20 digits never are."""
    return (
        f"(CASE WHEN {column} IS NULL THEN NULL WHEN {column} > 1.7976931348623157e308 THEN '\"Infinity\"' "
        f"WHEN {column} < -1.7976931348623157e308 THEN '\"-Infinity\"' "
        f"ELSE printf(char(37) || '!.20g', {column}) END)"
    )


def _decimal(column: str, places: int) -> str:
    """Write a number that has no more digits than its column as it is, and round others."""
    plain = f"printf(char(37) || '.{places}f', {column})"
    scaled = f"{column} * 1e{places}"
    return (
        f"(CASE WHEN {column} IS NULL THEN NULL WHEN {scaled} = CAST({scaled} AS INTEGER) AND abs({scaled}) < 1e14 "
        f"THEN '\"' || {plain} || '\"' ELSE {_rounded(column, places)} END)"
    )


def _rounded(column: str, places: int) -> str:
    """Read 15 digits and round half to even, as Django's converter does; SQLite's parser allows no deep nesting."""
    longer = f"printf(char(37) || '.{places + 1}f', v)"
    even = f"substr(w, 1, length(w) - {2 if places == 0 else 1})"
    away = f"printf(char(37) || '.{places}f', v + CASE WHEN v < 0 THEN -1 ELSE 1 END * 1e-{places + 1})"
    is_tie = "substr(w, -1) = '5' AND CAST(w AS REAL) = v"
    return (
        f"(SELECT '\"' || CASE WHEN NOT ({is_tie}) THEN printf(char(37) || '.{places}f', v) "  # noqa: S608 - text of this module
        f"WHEN substr({even}, -1) IN ('0', '2', '4', '6', '8') THEN {even} ELSE {away} END || '\"' "
        f"FROM (SELECT v, {longer} AS w FROM (SELECT CAST(printf(char(37) || '.15g', {column}) AS REAL) AS v)))"
    )


def _datetime(column: str) -> str:
    offset = "+00:00" if settings.USE_TZ else ""
    known = f"length({column}) = 26 AND substr({column}, 20) <> '.000000'"  # how Django writes nearly all
    other = _with_fraction(f"replace(substr({column}, 1, 19), ' ', 'T')", f"substr({column}, 21)", column, offset)
    return f"(CASE WHEN {known} THEN json_quote(replace({column}, ' ', 'T') || '{offset}') ELSE {other} END)"


def _time(column: str) -> str:
    return _with_fraction(f"substr({column}, 1, 8)", f"substr({column}, 10)", column, "")


def _with_fraction(whole: str, fraction: str, column: str, end: str) -> str:
    """Write six digits of a fraction or none, as Python does."""
    six = f"substr({fraction} || '000000', 1, 6)"
    shown = f"CASE WHEN {six} = '000000' THEN '' ELSE '.' || {six} END"
    return f"(CASE WHEN {column} IS NOT NULL THEN json_quote({whole} || {shown} || '{end}') END)"


def _duration(column: str) -> str:
    """Write microseconds as ISO 8601."""
    hours, minutes, seconds = (
        f"substr('0' || (a / {unit} - a / {bigger} * {count}), -2)"
        for unit, bigger, count in (
            (3_600_000_000, 86_400_000_000, 24),
            (60_000_000, 3_600_000_000, 60),
            (1_000_000, 60_000_000, 60),
        )
    )
    micros = "(a - a / 1000000 * 1000000)"
    text = (
        f"CASE WHEN m < 0 THEN '-' ELSE '' END || 'P' || (a / 86400000000) || 'DT' || {hours} || 'H' || {minutes} "
        f"|| 'M' || {seconds} || CASE WHEN {micros} = 0 THEN '' ELSE '.' || substr('00000' || {micros}, -6) END || 'S'"
    )
    return (
        f"(SELECT json_quote({text}) "  # noqa: S608 - text of this module
        f"FROM (SELECT {column} AS m, abs({column}) AS a WHERE {column} IS NOT NULL))"
    )


def _uuid(column: str) -> str:
    pieces = " || '-' || ".join(f"substr({column}, {start}, {size})" for start, size in _UUID_PIECES)
    return f"(CASE WHEN {column} IS NOT NULL THEN json_quote(lower({pieces})) END)"


_UUID_PIECES = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


STORABLE = "gridkit_storable"
"""The function of a connection that turns what ``jsonb`` can't hold into the replacement character."""


def connected(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    """Receiver of ``connection_created``: give a connection of SQLite the function that its statements call."""
    if connection.vendor == "sqlite":
        connection.connection.create_function(STORABLE, 1, storable_document, deterministic=True)


def storable_document(text: str | None) -> str | None:
    """Return the text of a JSON document with the replacement character for U+0000 and half surrogate pairs."""
    return None if text is None else _ESCAPES.sub(_storable_escape, text)


_ESCAPES = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u(?P<lost>0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""A backslash, a whole pair, or what can't be stored."""


def _storable_escape(found: re.Match[str]) -> str:
    return "\\ufffd" if found["lost"] else found[0]


def _json(column: str) -> str:
    """Return a document, which Python looks through where characters are escaped."""
    return f"(CASE WHEN instr({column}, '\\u') THEN {STORABLE}({column}) ELSE {column} END)"
