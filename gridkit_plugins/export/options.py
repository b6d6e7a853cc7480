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

CSV_OPTIONS: JSONObject = MappingProxyType(
    {
        "header": {"type": "string", "enum": ["id", "label", "none"], "default": "id", "title": "Header row"},
        "delimiter": {"type": "string", "enum": [",", ";", "\t", "|"], "default": ",", "title": "Delimiter"},
        "bom": {"type": "boolean", "default": False, "title": "Byte order mark, for Excel"},
    }
)

JSON_OPTIONS: JSONObject = MappingProxyType({})

XLSX_OPTIONS: JSONObject = MappingProxyType(
    {
        "header": {"type": "string", "enum": ["label", "id"], "default": "label", "title": "Header row"},
        "formatting": dict(_FORMATTING),
    }
)

PDF_OPTIONS: JSONObject = MappingProxyType(
    {
        "orientation": {
            "type": "string",
            "enum": ["auto", "portrait", "landscape"],
            "default": "auto",
            "title": "Paper",
        },
        "formatting": dict(_FORMATTING),
    }
)

OPTIONS_BY_FORMAT: Mapping[str, JSONObject] = MappingProxyType(
    {"csv": CSV_OPTIONS, "json": JSON_OPTIONS, "xlsx": XLSX_OPTIONS, "pdf": PDF_OPTIONS}
)


def arguments_schema(formats: list[str]) -> JSONObject:
    """Return the JSON Schema of the method's arguments: a format, and the options that this format takes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "format": {"type": "string", "enum": list(formats), "title": "Format"},
            "options": {"type": "object", "default": {}, "title": "Options"},
        },
        "required": ["format"],
        "additionalProperties": False,
        "allOf": [_options_of(name) for name in formats],
    }


def _options_of(name: str) -> JSONObject:
    options: JSONObject = {"properties": dict(OPTIONS_BY_FORMAT[name]), "additionalProperties": False}
    chosen: JSONObject = {"properties": {"format": {"const": name}}, "required": ["format"]}
    return {"if": chosen, "then": {"properties": {"options": options}}}
