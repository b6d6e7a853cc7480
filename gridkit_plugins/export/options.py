"""The options of each format as JSON Schema: for the method's form, and for the check before a job is made.

They stand apart from the exporters, so that announcing the pdf format does not import WeasyPrint.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gridkit_django.typing import JSONObject

_FORMATTING: JSONObject = MappingProxyType(
    {"type": "boolean", "default": True, "title": "Labels, number formats and widths as in the grid"}
)

_KEYS: JSONObject = MappingProxyType({"type": "array", "items": {"type": ["string", "integer"]}})

_VALUES: JSONObject = MappingProxyType(
    {
        "type": "string",
        "enum": ["raw", "label"],
        "enumNames": ["as stored", "labels"],
        "default": "raw",
        "title": "Choices and keys as stored, or by their labels",
    }
)

_COMPRESS: JSONObject = MappingProxyType(
    {
        "type": "string",
        "enum": ["none", "gzip", "zip"],
        "enumNames": ["none", "gzip (.gz)", "ZIP (.zip)"],
        "default": "none",
        "title": "Compression",
    }
)

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", *(f"cp{page}" for page in range(1250, 1259)))

CSV_OPTIONS: JSONObject = MappingProxyType(
    {
        "header": {
            "type": "string",
            "enum": ["id", "label", "none"],
            "enumNames": ["names of columns", "labels of columns", "none"],
            "default": "id",
            "title": "Header row",
        },
        "delimiter": {
            "type": "string",
            "enum": [",", ";", "\t", "|"],
            "enumNames": ["comma", "semicolon", "tab", "bar"],
            "default": ",",
            "title": "Delimiter",
        },
        "bom": {"type": "boolean", "default": False, "title": "Byte order mark, for Excel"},
        "encoding": {"type": "string", "enum": list(ENCODINGS), "default": "utf-8", "title": "Encoding"},
        "unencodable": {
            "type": "string",
            "enum": ["refuse", "replace"],
            "enumNames": ["refuse the export", "replace by ?"],
            "default": "refuse",
            "title": "Characters that the encoding lacks",
        },
        "decimal": {
            "type": "string",
            "enum": [".", ","],
            "enumNames": ["point", "comma"],
            "default": ".",
            "title": "Decimal sign",
        },
        "lineEnd": {
            "type": "string",
            "enum": ["crlf", "lf"],
            "enumNames": ["CRLF (Windows)", "LF (Unix)"],
            "default": "crlf",
            "title": "Line end",
        },
        "values": dict(_VALUES),
        "compress": dict(_COMPRESS),
        "guard": {
            "type": "boolean",
            "default": True,
            "title": "Defuse texts that look like formulas (off only for files that no spreadsheet opens)",
        },
    }
)

JSON_OPTIONS: JSONObject = MappingProxyType(
    {
        "values": dict(_VALUES),
        "compress": dict(_COMPRESS),
        "decimals": {
            "type": "string",
            "enum": ["text", "number"],
            "enumNames": ["texts", "numbers"],
            "default": "text",
            "title": "Decimals as texts, or as numbers with all digits",
        },
        "largeIntegers": {
            "type": "string",
            "enum": ["number", "text"],
            "enumNames": ["numbers", "texts"],
            "default": "number",
            "title": "Whole numbers over 2^53 as numbers, or as texts",
        },
    }
)

XLSX_OPTIONS: JSONObject = MappingProxyType(
    {
        "header": {
            "type": "string",
            "enum": ["label", "id"],
            "enumNames": ["labels of columns", "names of columns"],
            "default": "label",
            "title": "Header row",
        },
        "formatting": dict(_FORMATTING),
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
        "orientation": {
            "type": "string",
            "enum": ["auto", "portrait", "landscape"],
            "enumNames": ["by the width of the columns", "portrait", "landscape"],
            "default": "auto",
            "title": "Orientation",
        },
        "paper": {
            "type": "string",
            "enum": ["a4", "letter"],
            "enumNames": ["A4", "US Letter"],
            "default": "a4",
            "title": "Paper",
        },
        "cover": {"type": "boolean", "default": False, "title": "Cover page"},
        "accessible": {"type": "boolean", "default": False, "title": "Tagged for readers' aids (PDF/UA)"},
        "formatting": dict(_FORMATTING),
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
        "notify": {"type": "boolean", "default": False, "title": "Tell me by e-mail when it is ready"},
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
