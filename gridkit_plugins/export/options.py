"""The options of each format as JSON Schema: for the method's form, and for the check before a job is made.

They stand apart from the exporters, so that announcing the pdf format does not import WeasyPrint.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gridkit_django.typing import JSONObject


def _choice(title: str, named: Mapping[str, str]) -> JSONObject:
    """Return an option with one of some values, the first by default.

    Args:
        title: what people read for the option.
        named: what they read for each value.
    """
    return {
        "type": "string",
        "enum": list(named),
        "enumNames": list(named.values()),
        "default": next(iter(named)),
        "title": title,
    }


def _switch(title: str, *, default: bool = False) -> JSONObject:
    """Return an option that is on or off."""
    return {"type": "boolean", "default": default, "title": title}


_KEYS: JSONObject = MappingProxyType({"type": "array", "items": {"type": ["string", "integer"]}})

_IDS, _LABELS = {"id": "names of columns"}, {"label": "labels of columns"}

_FORMATTING: JSONObject = MappingProxyType(
    {"formatting": _switch("Labels, number formats and widths as in the grid", default=True)}
)

_TEXT: JSONObject = MappingProxyType(
    {
        "values": _choice("Choices and keys as stored, or by their labels", {"raw": "as stored", "label": "labels"}),
        "compress": _choice("Compression", {"none": "none", "gzip": "gzip (.gz)", "zip": "ZIP (.zip)"}),
    }
)
"""What formats of text have in common."""

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", *(f"cp{page}" for page in range(1250, 1259)))

CSV_OPTIONS: JSONObject = MappingProxyType(
    {
        "header": _choice("Header row", {**_IDS, **_LABELS, "none": "none"}),
        "delimiter": _choice("Delimiter", {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}),
        "bom": _switch("Byte order mark, for Excel"),
        "encoding": {"type": "string", "enum": list(ENCODINGS), "default": "utf-8", "title": "Encoding"},
        "unencodable": _choice(
            "Characters that the encoding lacks", {"refuse": "refuse the export", "replace": "replace by ?"}
        ),
        "decimal": _choice("Decimal sign", {".": "point", ",": "comma"}),
        "lineEnd": _choice("Line end", {"crlf": "CRLF (Windows)", "lf": "LF (Unix)"}),
        **_TEXT,
        "guard": _switch(
            "Defuse texts that look like formulas (off only for files that no spreadsheet opens)", default=True
        ),
    }
)

JSON_OPTIONS: JSONObject = MappingProxyType(
    {
        **_TEXT,
        "decimals": _choice("Decimals as texts, or as numbers with all digits", {"text": "texts", "number": "numbers"}),
        "largeIntegers": _choice(
            "Whole numbers over 2^53 as numbers, or as texts", {"number": "numbers", "text": "texts"}
        ),
    }
)

XLSX_OPTIONS: JSONObject = MappingProxyType(
    {
        "header": _choice("Header row", {**_LABELS, **_IDS}),
        **_FORMATTING,
        "template": {
            "type": "string",
            "pattern": "^([A-Za-z0-9][A-Za-z0-9_-]{0,60})?$",
            "default": "",
            "title": "Template",
        },
    }
)

PDF_OPTIONS: JSONObject = MappingProxyType(
    {
        "orientation": _choice(
            "Orientation",
            {"auto": "by the width of the columns", "portrait": "portrait", "landscape": "landscape"},
        ),
        "paper": _choice("Paper", {"a4": "A4", "letter": "US Letter"}),
        "cover": _switch("Cover page"),
        "accessible": _switch("Tagged for readers' aids (PDF/UA)"),
        **_FORMATTING,
    }
)

PARQUET_OPTIONS: JSONObject = MappingProxyType(
    {
        "compression": {
            "type": "string",
            "enum": ["zstd", "snappy", "gzip", "none"],
            "default": "zstd",
            "title": "Compression",
        }
    }
)

OPTIONS_BY_FORMAT: Mapping[str, JSONObject] = MappingProxyType(
    {
        "csv": CSV_OPTIONS,
        "json": JSON_OPTIONS,
        "ndjson": JSON_OPTIONS,
        "xlsx": XLSX_OPTIONS,
        "pdf": PDF_OPTIONS,
        "parquet": PARQUET_OPTIONS,
    }
)


_SELECTION: JSONObject = MappingProxyType(
    {
        "type": "object",
        "properties": {"query": {"type": ["object", "null"]}, "include": dict(_KEYS), "exclude": dict(_KEYS)},
        "additionalProperties": False,
    }
)

PICKING: JSONObject = MappingProxyType(
    {
        "rows": {
            "anyOf": [{"type": "string", "enum": ["all", "page"]}, dict(_SELECTION)],
            "default": "all",
            "title": "Rows",
        },
        "view": {"type": "string", "format": "uuid", "title": "Saved view"},
        "consistency": {
            "type": "string",
            "enum": ["auto", "live", "snapshot"],
            "default": "auto",
            "title": "Rows as of",
        },
        "notify": _switch("Tell me by e-mail when it is ready"),
    }
)
"""Which rows, where it is not all that match; ``gridkit_django.exports.create_export`` reads them."""


def arguments_schema(options: Mapping[str, JSONObject]) -> JSONObject:
    """Return the JSON Schema of the method's arguments: a format, the options that it takes, and which rows.

    Args:
        options: JSON Schema of the options by name, of each format that is offered.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "format": {"type": "string", "enum": list(options), "title": "Format"},
            "options": {"type": "object", "default": {}, "title": "Options"},
            **PICKING,
            "answer": {
                "type": "string",
                "enum": ["job", "file"],
                "default": "job",
                "title": "Answer with the file itself where it is small",
            },
        },
        "required": ["format"],
        "additionalProperties": False,
        "allOf": [_options_of(name, known) for name, known in options.items()],
    }


def _options_of(name: str, known: JSONObject) -> JSONObject:
    options: JSONObject = {"properties": dict(known), "additionalProperties": False}
    chosen: JSONObject = {"properties": {"format": {"const": name}}, "required": ["format"]}
    return {"if": chosen, "then": {"properties": {"options": options}}}
