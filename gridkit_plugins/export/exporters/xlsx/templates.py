"""Workbooks that a site prepares: the rows follow what stands on the first sheet of one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.template import engines
from openpyxl import Workbook, load_workbook

from gridkit_django.exceptions import ExportOptionsError
from gridkit_django.exports import ExportSheet
from gridkit_plugins.export.exporters.xlsx.values import sheet_text

FOLDER = "gridkit/export"
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}"
"""What a template may be called: a word, never a path."""

_PLACE = re.compile(r"\{\{ *(title|owner|created|rows|time_zone) *\}\}")


def template_book(sheet: ExportSheet) -> Workbook | None:
    """Return a fresh copy of the workbook that the option ``template`` names, its placeholders filled in, or None.

    Raises:
        ExportOptionsError: when no directory of templates holds the file.
    """
    name = str(sheet.options.get("template") or "")
    if not name:
        return None
    if not re.fullmatch(NAME, name):
        raise ExportOptionsError(f"The template {name[:60]!r} is not called by a word of letters, digits, - and _.")
    file = Path(FOLDER, f"{name}.xlsx")
    path = next((found for folder in _folders() if (found := folder / file).is_file()), None)
    if path is None:
        raise ExportOptionsError(f"There is no template {file} in the template directories of this site.")
    book = load_workbook(path)
    _fill(book, sheet)
    return book


def _folders() -> Iterator[Path]:
    for engine in engines.all():
        yield from map(Path, engine.template_dirs)


def _fill(book: Workbook, sheet: ExportSheet) -> None:
    """Put the facts of the export where the template names them; a cell that holds one is a text, whatever it says."""
    facts = {
        "title": sheet.title,
        "owner": sheet.owner_label,
        "created": f"{sheet.created_at.astimezone(sheet.time_zone):%Y-%m-%d %H:%M}",
        "rows": str(sheet.total_rows),
        "time_zone": str(sheet.time_zone),
    }
    for page in book.worksheets:
        for cell in (cell for row in page.iter_rows() for cell in row):
            if isinstance(cell.value, str) and _PLACE.search(cell.value):
                cell.value = sheet_text(_PLACE.sub(lambda found: facts[found[1]], cell.value))
                cell.data_type = "s"
