"""How a value reads in files for people: by the column's format, in the reader's language, as the page shows it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, TypeAlias

from django.utils import translation
from django.utils.dateformat import format as format_moment
from django.utils.dateformat import time_format
from django.utils.formats import get_format
from django.utils.translation import gettext

from gridkit_django.exports.base import ExportColumn, ExportGroup, ExportSheet
from gridkit_django.grids.columns import DateFormat, NumberFormat, ValueFormat
from gridkit_django.grids.periods import Period, start_of

TextOf: TypeAlias = Callable[[Any], str]

_MOMENTS_KEPT = 5_000
"""Days, and times of day, whose texts are kept: both come again and again."""
_FLOAT_PLACES = 10
"""Digits after the point that a float shows, as on the page."""


def text_writer(column: ExportColumn, language: str) -> TextOf:
    """Return what writes the values of a column for people.

    Args:
        column: the column; its format says how numbers, days and points in time are written.
        language: code of the reader's language.

    Returns:
        A function of a value; no value is the empty text.
    """
    number = _number_writer(column.format if isinstance(column.format, NumberFormat) else NumberFormat(), language)
    moment = _moment_writer(column.format if isinstance(column.format, DateFormat) else DateFormat(), language)

    def text(value: Any) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        if isinstance(value, bool):
            with translation.override(language):
                return gettext("Yes") if value else gettext("No")
        if isinstance(value, (int, float, Decimal)):
            return number(value)
        if isinstance(value, (date, time)):
            return moment(value)
        if isinstance(value, (dict, list)):
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return str(value)

    return text


def key_writer(sheet: ExportSheet, group: ExportGroup) -> TextOf:
    """Return what writes the key of a group for people: a value of its column, or the first day of a period.

    Args:
        sheet: the file.
        group: the level of groups.
    """
    text = text_writer(sheet.columns[group.column], sheet.language)

    def key(value: Any) -> str:
        if value is None or value == "":
            with translation.override(sheet.language):
                return gettext("(empty)")
        return text(value) if group.by is None else period_text(value, group.by)

    return key


def period_text(first: date, period: Period) -> str:
    """Return the name of a period in the words of ISO 8601: 2026, 2026-Q2, 2026-05, 2026-W20 or 2026-05-17."""
    match period:
        case Period.YEAR:
            return f"{first:%Y}"
        case Period.QUARTER:
            return f"{first:%Y}-Q{(first.month + 2) // 3}"
        case Period.MONTH:
            return f"{first:%Y-%m}"
        case Period.WEEK:
            return f"{first:%G-W%V}"
        case Period.DAY:
            return first.isoformat()


def group_key(value: Any, group: ExportGroup) -> Any:
    """Return what the rows of a group share: the value, or the first day of the period that it lies in."""
    if value is None or group.by is None:
        return value
    return start_of(value.date() if isinstance(value, datetime) else value, group.by)


def date_pattern(chosen: DateFormat, language: str, *, with_time: bool) -> str:
    """Return the pattern of Django (``dateformat``) for days, or for points in time, of a language."""
    pattern = str(get_format("SHORT_DATE_FORMAT" if chosen.date == "short" else "DATE_FORMAT", language, use_l10n=True))
    if chosen.date == "long":
        pattern = pattern.replace("N", "F").replace("M", "F")
    if not with_time or chosen.time is None:
        return pattern
    return f"{pattern}, {_time_pattern(language, seconds=chosen.time == 'medium')}"


def _time_pattern(language: str, *, seconds: bool) -> str:
    pattern = str(get_format("TIME_FORMAT", language, use_l10n=True)).replace("P", "g:i A").replace("f", "g:i")
    return pattern.replace("i", "i:s", 1) if seconds and "s" not in pattern else pattern


def _moment_writer(chosen: ValueFormat, language: str) -> Callable[[date | time], str]:
    if not isinstance(chosen, DateFormat):
        chosen = DateFormat()
    pattern = date_pattern(chosen, language, with_time=False)
    clock = _time_pattern(language, seconds=False)
    exact = _time_pattern(language, seconds=True)

    @lru_cache(_MOMENTS_KEPT)
    def day(value: date) -> str:
        with translation.override(language):
            return format_moment(value, pattern)

    @lru_cache(_MOMENTS_KEPT)
    def hour(value: time, form: str) -> str:
        with translation.override(language):
            return time_format(value, form)

    def moment(value: date | time) -> str:
        if isinstance(value, time):
            return hour(value, exact if value.second else clock)
        if not isinstance(value, datetime):
            return day(value)
        if chosen.time is None:
            return day(value.date())
        short = value.time().replace(second=0, microsecond=0)
        when = hour(value.time(), exact) if chosen.time == "medium" else hour(short, clock)
        return f"{day(value.date())}, {when}"

    return moment


def _number_writer(chosen: NumberFormat, language: str) -> Callable[[float | Decimal], str]:
    point = str(get_format("DECIMAL_SEPARATOR", language, use_l10n=True))
    between = str(get_format("THOUSAND_SEPARATOR", language, use_l10n=True))
    exact = chosen.decimals is None and not chosen.percent

    def number(value: float | Decimal) -> str:
        if exact and isinstance(value, int):
            digits = str(value)
        elif math.isfinite(value):
            digits = _digits(value, chosen)
        else:
            return str(value)
        whole, _, after = digits.lstrip("-").partition(".")
        if chosen.grouping or (chosen.grouping is None and len(whole) > 4):
            whole = f"{int(whole):,}".replace(",", between)
        sign = "-" if digits.startswith("-") else ""
        written = f"{sign}{whole}{point if after else ''}{after}{'%' if chosen.percent else ''}"
        return f"{chosen.prefix}{written}{chosen.suffix}"

    return number


def _digits(value: float | Decimal, chosen: NumberFormat) -> str:
    """Return the digits of a number with a point: as many as the format says, or as it has."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if chosen.percent:
        exact = exact.scaleb(2)
    places = chosen.decimals
    if places is None and isinstance(value, float):
        text = format(round(exact, _FLOAT_PLACES), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if places is None and chosen.percent:
        text = format(exact, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if places is not None:
        exact = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return format(exact, "f")
