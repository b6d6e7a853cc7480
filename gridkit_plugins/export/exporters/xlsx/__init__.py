"""Excel workbooks: openpyxl makes the workbook, the rows are streamed into its sheets as compressed XML."""

from __future__ import annotations

from gridkit_plugins.export.exporters.xlsx.exporter import XlsxExporter

__all__ = ["XlsxExporter"]
