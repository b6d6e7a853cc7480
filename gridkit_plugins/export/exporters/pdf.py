"""PDF files: laid out by WeasyPrint where the table is short, drawn into WeasyPrint's page where it is long.

Both ways show the same page; the first costs some 10 ms a row of a dozen columns, the second a third of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO

from django.utils import translation
from django.utils.translation import gettext

from gridkit_django.exceptions import ExportError
from gridkit_django.exports import ExportSheet, KeptSegment, SegmentedExporter, SegmentPlace
from gridkit_django.typing import JSONObject
from gridkit_plugins.export.options import PDF_OPTIONS
from gridkit_plugins.export.pdf.content import Content, Row
from gridkit_plugins.export.pdf.drawing import DrawnRow
from gridkit_plugins.export.pdf.groups import Figures, RunEnd, RunStart, with_runs
from gridkit_plugins.export.pdf.layout import PageTemplate
from gridkit_plugins.export.pdf.pages import PageComposer
from gridkit_plugins.export.pdf.plan import SAMPLE_ROWS, PagePlan, plan_page
from gridkit_plugins.export.pdf.records import (
    Record,
    missing_characters,
    read_fonts,
    read_records,
    write_fonts,
    write_records,
)
from gridkit_plugins.export.pdf.rows import RowDrawer, lay_out_model
from gridkit_plugins.export.pdf.shaping import Fonts

_TEXTS, _DRAWN = "texts", "drawn"
_NAMED = 10
"""Characters without a font that are named one by one."""


class PdfExporter(SegmentedExporter):
    """Writes a table with title, header row, who made it when, and page numbers with their total on every page.

    Paper and column widths are planned from the first rows; texts wrap and are never cut. Look and wording come from
    the template ``gridkit/export/pdf.html``. Nothing is loaded from outside.

    Attributes:
        full_rows: rows that WeasyPrint lays out itself, at most; more are drawn.
        full_cells: cells of such a table, at most.
    """

    format = "pdf"
    label = "PDF"
    content_type = "application/pdf"
    extension = "pdf"
    max_rows = 50_000
    chunk_rows = 500
    segment_rows = 10_000
    for_people = True
    options_schema = PDF_OPTIONS
    full_rows = 300
    full_cells = 3_000

    def __init__(self) -> None:
        self._missing: Sequence[str] = ()

    def write_segment(
        self, stream: BinaryIO, sheet: ExportSheet, place: SegmentPlace, rows: Iterator[Sequence[Sequence[Any]]]
    ) -> JSONObject:
        """Write rows, drawn; a table that is short is kept as texts until it is joined."""
        with translation.override(sheet.language):
            content = Content(sheet)
            items = _rows(content, rows, place.first_row)
            sample = list(islice(items, SAMPLE_ROWS))
            plan = _plan(sheet, place, sample)
            items = chain(sample, items)
            if place.number == 0 and self._is_short(sheet.total_rows, content):
                return {"form": _TEXTS, "plan": plan.to_facts(), "size": write_records(stream, items)}
            fonts: Fonts = {}
            suffix = f"s{place.number}"
            drawer = RowDrawer(content, lay_out_model(PageTemplate(content, plan), content), fonts, suffix=suffix)
            size = write_records(stream, _drawn(drawer, items))
            write_fonts(stream, fonts, suffix)
            return {"form": _DRAWN, "plan": plan.to_facts(), "size": size}

    def join(self, stream: BinaryIO, sheet: ExportSheet, segments: Iterator[KeptSegment]) -> None:
        """Put the rows on pages, with what surrounds them."""
        with translation.override(sheet.language):
            content = Content(sheet)
            figures = Figures(content)
            first = next(segments)
            plan = PagePlan.from_facts(_fact(first, "plan"))
            accessible = _accessible(sheet)
            rows: list[Row] = []
            remaining: Iterable[KeptSegment] = chain([first], segments)
            if first.facts["form"] == _TEXTS:
                rows = [row for row in figures.weave(_records(first)) if isinstance(row, Row)]
                second = next(segments, None)
                if second is None and self._is_short(first.rows, content):
                    rows += figures.close()
                    document = PageTemplate(content, plan).document(rows)
                    document.write_pdf(stream, pdf_variant="pdf/ua-1" if accessible else None)
                    self._missing = missing_characters(document.fonts.values())
                    return
                remaining = segments if second is None else chain([second], segments)
            composer = PageComposer(stream, content, plan, accessible=accessible)
            composer.add(rows)
            for segment in remaining:
                composer.add(figures.weave(_records(segment)))
                composer.add_fonts(read_fonts(segment.stream))
            composer.add(figures.close())
            composer.finish()
            self._missing = missing_characters(composer.fonts)

    def remarks(self) -> Sequence[str]:
        """Name the characters that no font of this machine has."""
        if not self._missing:
            return ()
        named = ", ".join(f"{character} (U+{ord(character):04X})" for character in self._missing[:_NAMED])
        more = ", …" if len(self._missing) > _NAMED else ""
        return (
            gettext("No font on the server has these characters, which appear as boxes: %(characters)s.")
            % {"characters": named + more},
        )

    def _is_short(self, rows: int, content: Content) -> bool:
        """Say whether WeasyPrint lays the table out; not where it is tagged, since that makes a table of each page."""
        if rows and _accessible(content.sheet):
            return False
        return rows <= self.full_rows and rows * len(content.ends) <= self.full_cells


def _accessible(sheet: ExportSheet) -> bool:
    return bool(sheet.options.get("accessible", False))


def _rows(
    content: Content, rows: Iterator[Sequence[Sequence[Any]]], first_row: int
) -> Iterator[Row | RunStart | RunEnd]:
    """Yield rows as they stand on the page, and where runs of groups begin and end."""
    number = first_row
    for item in with_runs(content.sheet, rows):
        if isinstance(item, (RunStart, RunEnd)):
            yield item
        else:
            yield content.row(item, number)
            number += 1


def _drawn(drawer: RowDrawer, items: Iterable[Row | RunStart | RunEnd]) -> Iterator[DrawnRow | RunStart | RunEnd]:
    for item in items:
        if isinstance(item, Row):
            yield from drawer.draw(item)
        else:
            yield item


def _plan(sheet: ExportSheet, place: SegmentPlace, sample: Sequence[Any]) -> PagePlan:
    """Return the plan of the file: made from the first rows, and told to all later segments."""
    if place.number == 0:
        texts = [item.texts for item in sample if isinstance(item, Row)]
        return plan_page(sheet.columns, texts, sheet.options)
    told: Any = place.opening.get("plan")
    if told is None:
        raise ExportError("A later segment of a PDF file needs the facts of the first one (SegmentPlace.opening).")
    return PagePlan.from_facts(told)


def _records(segment: KeptSegment) -> Iterator[Record]:
    return read_records(segment.stream, _fact(segment, "size"))


def _fact(segment: KeptSegment, name: str) -> Any:
    return segment.facts[name]
