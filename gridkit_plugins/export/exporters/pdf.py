"""PDF tables through WeasyPrint, laid out in parts of some 250 rows so that memory and time stay linear.

WeasyPrint keeps the whole layout of a document in memory (about 0.3 MB a row). So each part is a document of its own,
written out and forgotten. The last page of a part is left out and its rows go on to the next part, so the pages are
filled just as in one long document, and page numbers run on.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from django.template import Context, Engine, Template
from django.utils import formats, translation
from django.utils.translation import gettext, ngettext
from pypdf import PdfReader, PdfWriter
from weasyprint import HTML, Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher

from gridkit_django.exports import BaseExporter, ExportSheet
from gridkit_plugins.export.exporters.celltext import cell_text
from gridkit_plugins.export.exporters.pdfpage import NUMBER_TYPES, PagePlan, plan_page
from gridkit_plugins.export.options import PDF_OPTIONS

_TEMPLATE = Path(__file__).with_name("pdf_table.html")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class DenyFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint is untyped
    """Fetches nothing: a cell must never make the server open an address or a file."""

    def fetch(self, url: str, headers: Any = None) -> NoReturn:
        """Refuse.

        Raises:
            FatalURLFetchingError: always; it ends the rendering.
        """
        raise FatalURLFetchingError(f"PDF exports load nothing from outside; refused: {url[:100]}")


class PdfExporter(BaseExporter):
    """Writes a table with a title, a header row on every page and running page numbers.

    The paper (A4 upright, A4 or A3 landscape) and the column widths are planned from the first rows; texts wrap and
    are never cut. Rows are limited, since layout costs about 10 ms a row.
    """

    format = "pdf"
    label = "PDF"
    content_type = "application/pdf"
    extension = "pdf"
    max_rows = 5000
    chunk_rows = 250
    for_people = True
    direct = False
    options_schema = PDF_OPTIONS

    def begin(self, stream: BinaryIO, sheet: ExportSheet) -> None:
        """Prepare an empty document."""
        self._stream = stream
        self._sheet = sheet
        self._numeric = [column.type in NUMBER_TYPES for column in sheet.columns]
        self._waiting: list[list[str]] = []
        self._plan: PagePlan | None = None
        self._fonts = FontConfiguration()
        self._writer = PdfWriter()

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows; all full pages are laid out and written at once."""
        self._waiting += [[_clean(cell_text(value)) for value in row] for row in rows]
        document = self._render()
        full, carried = _full_pages(document, len(self._waiting))
        if full:
            self._append(document.copy(document.pages[:full]))
            self._waiting = self._waiting[len(self._waiting) - carried :]

    def finish(self) -> None:
        """Lay out the last rows and write the document."""
        if self._waiting or not len(self._writer.pages):
            self._append(self._render())
        self._writer.add_metadata({"/Title": self._sheet.title, "/Author": self._sheet.owner_label})
        self._writer.compress_identical_objects()
        self._writer.write(self._stream)
        self._writer.close()

    def abort(self) -> None:
        """Forget the pages."""
        self._writer.close()

    @cached_property
    def _template(self) -> Template:
        return Engine(autoescape=True).from_string(_TEMPLATE.read_text("utf-8"))

    def _render(self) -> Document:
        if self._plan is None:
            orientation = str(self._sheet.options.get("orientation", "auto"))
            self._plan = plan_page(self._sheet.columns, self._waiting, orientation)
        html = self._template.render(Context(self._page_context(self._plan), use_l10n=False))
        return HTML(string=html, url_fetcher=DenyFetcher()).render(font_config=self._fonts)

    def _page_context(self, plan: PagePlan) -> dict[str, Any]:
        labels = [_clean(column.label) for column in self._sheet.columns]
        return {
            "language": translation.get_language() or "en",
            "title": _clean(self._sheet.title),
            "origin": self._origin(),
            "page_word": gettext("Page"),
            "no_rows": gettext("No rows."),
            "plan": plan,
            "first_page": len(self._writer.pages) + 1,
            "headings": list(zip(labels, self._numeric, strict=True)),
            "rows": self._marked_rows(),
        }

    def _marked_rows(self) -> Iterator[list[tuple[str, bool]]]:
        for row in self._waiting:
            yield list(zip(row, self._numeric, strict=True))

    def _origin(self) -> str:
        local = self._sheet.created_at.astimezone(self._sheet.time_zone)
        count = self._sheet.total_rows
        return _clean(
            ngettext("%(count)s row", "%(count)s rows", count) % {"count": formats.localize(count)}
            + f" · {self._sheet.owner_label} · {local:%Y-%m-%d %H:%M} {self._sheet.time_zone}"
        )

    def _append(self, document: Document) -> None:
        for page in PdfReader(io.BytesIO(document.write_pdf())).pages:
            self._writer.add_page(page)


def _full_pages(document: Document, rows: int) -> tuple[int, int]:
    """Return how many pages can be written now and how many rows go on to the next part.

    The last page may still take more rows, so its rows go on, unless it starts in the middle of a row.
    """
    pages = document.pages
    if len(pages) == 1:
        return 0, rows
    first = _first_row(pages[-1].anchors)
    if first is None or f"r{first}" in pages[-2].anchors:
        return len(pages), 0
    return len(pages) - 1, rows - first


def _first_row(anchors: Any) -> int | None:
    return min((int(name[1:]) for name in anchors), default=None)


def _clean(text: str) -> str:
    """Return ``text`` with control characters made visible as replacement characters."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
