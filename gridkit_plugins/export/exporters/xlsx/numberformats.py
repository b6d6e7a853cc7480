"""A column's format in the words of a spreadsheet (ISO 29500, 18.8.31)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gridkit_django.exports import ExportColumn
from gridkit_django.exports.texts import date_pattern
from gridkit_django.grids import DateFormat, NumberFormat

GENERAL = "General"
ISO: Mapping[str, str] = MappingProxyType({"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss", "time": "hh:mm:ss"})
"""What days and times look like when the column declares nothing."""

_CODES: Mapping[str, str] = MappingProxyType(
    {
        "d": "dd", "j": "d", "D": "ddd", "l": "dddd", "m": "mm", "n": "m", "M": "mmm", "N": "mmm", "b": "mmm",
        "F": "mmmm", "E": "mmmm", "y": "yy", "Y": "yyyy", "o": "yyyy", "H": "hh", "G": "h", "h": "hh", "g": "h",
        "i": "mm", "s": "ss", "A": "AM/PM", "a": "AM/PM",
    }
)  # fmt: skip
"""Letter of Django's patterns of days and times to the code of a spreadsheet."""

_LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "ar": "401", "bg": "402", "cs": "405", "da": "406", "de": "407", "el": "408", "en": "409", "es": "C0A",
        "fi": "40B", "fr": "40C", "he": "40D", "hi": "439", "hu": "40E", "it": "410", "ja": "411", "ko": "412",
        "nb": "414", "nl": "413", "pl": "415", "pt": "816", "pt-br": "416", "ro": "418", "ru": "419", "sk": "41B",
        "sv": "41D", "th": "41E", "tr": "41F", "uk": "422", "vi": "42A", "zh-hans": "804", "zh-hant": "404",
    }
)  # fmt: skip
"""Windows' number of a language, in which a spreadsheet names months."""


def format_code(column: ExportColumn, language: str) -> str:
    """Return the format of a column's cells.

    Args:
        column: the column.
        language: code of the language in which months are named.
    """
    if isinstance(column.format, NumberFormat):
        return _number_code(column.format, column)
    if isinstance(column.format, DateFormat):
        return _date_code(column.format, column, language)
    if column.type == "decimal" and column.decimals is not None:
        return _places("0", column.decimals)
    return ISO.get(column.type, GENERAL)


def _number_code(chosen: NumberFormat, column: ExportColumn) -> str:
    before, after = (_quoted(text) for text in (chosen.prefix, chosen.suffix))
    places = chosen.decimals if chosen.decimals is not None else _usual_places(chosen, column)
    if places is None:
        return f"{before}{GENERAL}{after}" if before or after else GENERAL
    tail = ("%" if chosen.percent else "") + after
    plain, grouped = (f"{_places(whole, places)}{tail}" for whole in ("0", "#,##0"))
    if chosen.grouping is None and not chosen.percent:
        return f"[>=10000]{before}{grouped};[<=-10000]-{before}{grouped};{before}{plain}"
    return before + (grouped if chosen.grouping else plain)


def _usual_places(chosen: NumberFormat, column: ExportColumn) -> int | None:
    """Return the digits after the point where the format leaves them to the value; None: as the value has them."""
    if chosen.percent:
        return 2
    return 0 if column.type == "integer" else column.decimals


def _places(whole: str, count: int) -> str:
    return f"{whole}.{'0' * count}" if count else whole


def _date_code(chosen: DateFormat, column: ExportColumn, language: str) -> str:
    letters = iter(date_pattern(chosen, language, with_time=column.type == "datetime"))
    code = ""
    for letter in letters:
        if letter == "\\":
            code += _quoted(next(letters, ""))
        else:
            code += _CODES.get(letter) or (_quoted(letter) if letter.isalnum() else letter)
    known = _LANGUAGES.get(language.lower()) or _LANGUAGES.get(language.lower().split("-")[0])
    return f"[$-{known}]{code}" if known and "mmm" in code else code


def _quoted(text: str) -> str:
    """Return a text that stands in a format as it is."""
    return '\\"'.join(f'"{part}"' if part else "" for part in text.split('"'))
