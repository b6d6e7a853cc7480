"""The laid-out page: the template's document as WeasyPrint sees it, and what is taken from it to draw rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.template import Context, Engine, Template, TemplateDoesNotExist, engines
from django.template.backends.django import DjangoTemplates
from weasyprint import CSS, HTML, Document
from weasyprint.formatting_structure.boxes import Box, TableBox, TableCellBox, TableRowBox
from weasyprint.text.fonts import FontConfiguration

from gridkit_django.exceptions import ExportError
from gridkit_plugins.export.pdf.content import Content, Row
from gridkit_plugins.export.pdf.fetching import EmbeddedOnly
from gridkit_plugins.export.pdf.plan import PagePlan

TEMPLATE = "gridkit/export/pdf.html"
_PACKAGED = Path(__file__).parents[2] / "templates"
_TABLE_CLASS = "gridkit-rows"
_BREAK = ".gridkit-rows > tbody > tr:nth-child({row}) {{ break-before: page !important }}"
_FRAME = ".gridkit-frame { break-before: page !important; height: 1px }"
_JUMP = "@page :nth({place}) {{ counter-increment: page {step} !important }}"


class PageTemplate:
    """The site's template of the page, laid out by WeasyPrint.

    Args:
        content: the sheet.
        plan: paper, type size and widths.
        accessible: the file will be tagged.
    """

    def __init__(self, content: Content, plan: PagePlan) -> None:
        self._content = content
        self._plan = plan
        self.fonts = FontConfiguration()

    def document(self, rows: Iterable[Row], *, pages: int = 0, break_before: int = 0) -> Document:
        """Lay out a document with these rows in its table.

        Args:
            rows: of the table.
            pages: what the footer says of how many pages there are.
            break_before: a new page starts before this row, counted from 1; 0 for none.
        """
        extra = _BREAK.format(row=break_before) if break_before else ""
        return self._render(self._html(rows, pages), extra)

    def frames(self, model: Row, numbers: Sequence[int], *, pages: int, opening: int) -> list[Any]:
        """Lay out pages that hold nothing but what surrounds the table.

        Args:
            model: a row for the table of the opening pages.
            numbers: of the pages wanted, from 1, rising.
            pages: how many pages the file has.
            opening: pages that the file starts with, up to the one on which the table begins.
        """
        html = self._html([model], pages)
        table = _tables(html.etree_element)[0]
        parent = next(element for element in html.etree_element.iter() if table in list(element))
        after = list(parent).index(table) + 1
        places, jumps = _places(numbers, opening)
        for _ in range(opening, places[-1] + 1):  # one more, since the last page of a document ends where its text does
            parent.insert(after, table.makeelement("div", {"class": "gridkit-frame"}))
        document = self._render(html, _FRAME + "".join(jumps))
        return [document.pages[place - 1] for place in places]

    def _render(self, html: HTML, extra: str) -> Document:
        styles = [CSS(string=extra, url_fetcher=html.url_fetcher)] if extra else None
        return html.render(font_config=self.fonts, stylesheets=styles)

    def _html(self, rows: Iterable[Row], pages: int) -> HTML:
        context = self._content.context(self._plan, list(rows), pages=pages)
        text = _source().render(Context(context, autoescape=True, use_l10n=False))
        html = HTML(string=text, url_fetcher=EmbeddedOnly())
        if len(_tables(html.etree_element)) != 1:
            raise ExportError(
                f'The template {TEMPLATE} must have one <table class="{_TABLE_CLASS}"> with all rows. See '
                "docs/plugins/pdf-template.md."
            )
        return html


def _places(numbers: Sequence[int], opening: int) -> tuple[list[int], list[str]]:
    """Return where pages of these numbers stand in a document of frames, from 1, and the styles that number them so.

    A left page stays one: where the next number would fall on a right page, a page is left out.
    """
    places: list[int] = []
    jumps: list[str] = []
    place = before = opening
    for number in numbers:
        place += 1
        if (number - place) % 2:
            place += 1
            before += 1
        if number - before != 1:
            jumps.append(_JUMP.format(place=place, step=number - before))
        places.append(place)
        before = number
    return places, jumps


def _source() -> Template:
    """Return the site's template, or the packaged one where templates of apps are not loaded."""
    for backend in engines.all():
        if isinstance(backend, DjangoTemplates):
            try:
                return backend.engine.get_template(TEMPLATE)
            except TemplateDoesNotExist:
                continue
    return Engine(dirs=[str(_PACKAGED)]).get_template(TEMPLATE)


def _tables(root: Any) -> list[Any]:
    return [element for element in root.iter("table") if _TABLE_CLASS in element.get("class", "").split()]


@dataclass(frozen=True, slots=True)
class Room:
    """Where rows may stand on a page, in CSS pixels from its top.

    Attributes:
        top: of the first row.
        bottom: below the last row.
    """

    top: float
    bottom: float

    @property
    def height(self) -> float:
        """Return how tall all rows of the page may be."""
        return self.bottom - self.top


class Model:
    """What the laid-out model rows tell of all rows that will be drawn.

    Args:
        document: laid out from model rows, with a page break somewhere between them.

    Attributes:
        opening: pages up to the one on which the table begins, that one included.
        first: room for rows on the page on which the table begins.
        next: room for rows on all later pages.
        rows: the boxes of the model rows, in their order.
        page_height: in CSS pixels.
    """

    def __init__(self, document: Document) -> None:
        found = [(number, table) for number, page in enumerate(document.pages) for table in _table_boxes(page)]
        if len(found) < 2:
            raise ExportError(f"The template {TEMPLATE} must let its table run over several pages.")
        (first, first_table), (later, next_table) = found[0], found[1]
        self.document = document
        self.opening = first + 1
        self.first = _room(document.pages[first], first_table)
        self.next = _room(document.pages[later], next_table)
        self.header_page = document.pages[later]
        self.rows: Sequence[TableRowBox] = [row for _, table in found for row in _body_rows(table)]
        self.page_height: float = document.pages[first].height


def box_of(page: Any) -> Any:
    """Return the box of a laid-out page."""
    return page._page_box  # noqa: SLF001 - WeasyPrint gives it no other name


def strip_rows(page: Any) -> None:
    """Take the rows out of the table of a laid-out page, so that painting it leaves room for others."""
    for table in _table_boxes(page):
        table.children = [group for group in table.children if group.is_header]


def keep_header_only(page: Any) -> None:
    """Take everything but the table's header out of a laid-out page."""
    box = box_of(page)
    box.children = box.children[:1]
    box.background = box.canvas_background = None
    strip_rows(page)


def _room(page: Any, table: TableBox) -> Room:
    rows = list(_body_rows(table))
    box = box_of(page)
    bottom = box.position_y + box.margin_top + box.border_top_width + box.padding_top + box.height
    return Room(rows[0].position_y, bottom)


def _body_rows(table: TableBox) -> Iterator[TableRowBox]:
    for group in table.children:
        if not group.is_header and not group.is_footer:
            yield from group.children


def _table_boxes(page: Any) -> list[TableBox]:
    return list(_boxes(box_of(page)))


def _boxes(box: Box) -> Iterator[TableBox]:
    if isinstance(box, TableBox) and _TABLE_CLASS in box.element.get("class", "").split():
        if box.style["border_collapse"] == "collapse":
            raise ExportError(f"The table of {TEMPLATE} must have separate borders: border-collapse: separate.")
        yield box
        return
    if isinstance(box, TableCellBox):
        return
    for child in getattr(box, "children", ()):
        yield from _boxes(child)


def header_cells(page: Any) -> list[TableCellBox]:
    """Return the heading cells of the table on a laid-out page."""
    return [
        cell
        for table in _table_boxes(page)
        for group in table.children
        if group.is_header
        for row in group.children
        for cell in row.children
    ]
