"""The export plugin: offers the method ``export`` and the writers of its formats."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gridkit_django.exceptions import UnknownFormatError
from gridkit_django.plugins import MethodCall, MethodResult, Plugin, PluginContext, PluginHealth
from gridkit_django.typing import JSONObject
from gridkit_plugins.export.availability import pdf_problem
from gridkit_plugins.export.config import ExportConfig
from gridkit_plugins.export.options import OPTIONS_BY_FORMAT, PICKING, arguments_schema

EXPORTERS: Mapping[str, str] = MappingProxyType(
    {
        "csv": "gridkit_plugins.export.exporters.csv.CsvExporter",
        "json": "gridkit_plugins.export.exporters.json.JsonExporter",
        "ndjson": "gridkit_plugins.export.exporters.json.NdjsonExporter",
        "xlsx": "gridkit_plugins.export.exporters.xlsx.XlsxExporter",
        "pdf": "gridkit_plugins.export.exporters.pdf.PdfExporter",
        "parquet": "gridkit_plugins.export.exporters.parquet.ParquetExporter",
    }
)
"""Dotted paths, imported at the first file of a format: a missing library costs that format only."""


class ExportPlugin(Plugin):
    """Exports what a grid shows, in the background, with the rights of the person who asks."""

    class Config(ExportConfig):
        """The configuration, for the site and for single grids."""

    def initialize(self, context: PluginContext) -> None:
        """Register every writer (one grid may offer what another does not) and the method."""
        for name, path in EXPORTERS.items():
            context.register_exporter(name, path)
        context.register_method("export", self.export, schema=self.schema_for, label="Export", right="export_grid")

    def schema_for(self, grid: str) -> JSONObject:
        """Return the JSON Schema of the method's arguments on a grid: the grid's own formats."""
        config: ExportConfig = self.context.config_for(grid)
        return arguments_schema({name: OPTIONS_BY_FORMAT[name] for name in config.formats} | self._others(config))

    def export(self, call: MethodCall) -> MethodResult:
        """Start an export of what the caller looks at; answered with 202 and the job."""
        config: ExportConfig = self.context.config_for(call.grid)
        name = str(call.arguments["format"])
        query = exported_query(call.query or {}, filtered_only=config.include_filtered_only)
        given: Any = call.arguments.get("options", {})
        options = {**_default_options(name, config), **given}
        pick = {key: call.arguments[key] for key in PICKING if call.arguments.get(key) is not None}
        answer = str(call.arguments.get("answer", "job"))
        pick["queue"] = answer == "job"
        job = self.context.exports.create(call.grid, query, name, options, pick=pick)
        return MethodResult(202, {"job": job, "answer": answer})

    def _others(self, config: ExportConfig) -> dict[str, JSONObject]:
        """Return the options of formats that other plugins write; a format that nobody writes now is not offered."""
        found: dict[str, JSONObject] = {}
        for name in config.other_formats:
            try:
                described: Any = self.context.exports.describe(name)
            except UnknownFormatError as error:
                self.context.logger.info("The format %s is not offered: %s", name, error.detail)
            else:
                found[name] = described["options"]
        return found

    def health_check(self) -> PluginHealth:
        """Say so when PDF files are offered and can't be written on this machine."""
        problem = pdf_problem() if "pdf" in self.context.config.formats else None
        return PluginHealth.degraded(f"PDF files can't be written: {problem}.") if problem else PluginHealth.healthy()


def exported_query(query: JSONObject, *, filtered_only: bool) -> JSONObject:
    """Return the question whose rows are exported: what the person looks at, or all rows that they may see."""
    left_out = () if filtered_only else ("filter", "search")
    return {key: value for key, value in query.items() if key not in left_out}


def _default_options(name: str, config: ExportConfig) -> dict[str, Any]:
    return {"formatting": config.include_formatting} if "formatting" in OPTIONS_BY_FORMAT.get(name, {}) else {}
