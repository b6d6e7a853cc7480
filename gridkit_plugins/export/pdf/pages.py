"""Pages made of drawn rows: rows fill page after page, and WeasyPrint's own page is put around them at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

import pydyf

from gridkit_plugins.export.pdf.content import Content, Row
from gridkit_plugins.export.pdf.drawing import CELL, DrawnRow
from gridkit_plugins.export.pdf.frames import Frames
from gridkit_plugins.export.pdf.layout import Model, PageTemplate, Room, box_of, keep_header_only, strip_rows
from gridkit_plugins.export.pdf.painting import POINTS, Painter
from gridkit_plugins.export.pdf.plan import PagePlan
from gridkit_plugins.export.pdf.records import KeptFont
from gridkit_plugins.export.pdf.rows import RowDrawer, lay_out_model, model_rows
from gridkit_plugins.export.pdf.shaping import Fonts, number
from gridkit_plugins.export.pdf.tags import TableTags
from gridkit_plugins.export.pdf.writing import FileInWriting, PackedStream

_SLACK = 0.01
_SUFFIX = "j"
"""Of the names of fonts that rows are drawn with here: rows of figures."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A page whose rows are in the file, and which is not yet.

    Attributes:
        dictionary: what the file says of it.
        rows: reference of the stream that draws its rows.
    """

    dictionary: pydyf.Dictionary
    rows: bytes


class PageComposer:
    """Makes the file from drawn rows.

    Args:
        output: binary file opened for writing.
        content: the sheet.
        plan: paper, type size and widths.
        accessible: tag the file for readers' aids (PDF/UA).
    """

    def __init__(self, output: BinaryIO, content: Content, plan: PagePlan, *, accessible: bool) -> None:
        self._content = content
        self._template = PageTemplate(content, plan)
        self._model: Model = lay_out_model(self._template, content)
        self._pdf = FileInWriting(output)
        self._painter = Painter(self._pdf, self._model.document)
        self._fonts: Fonts = {}
        self._drawer = RowDrawer(content, self._model, self._fonts, suffix=_SUFFIX)
        keep_header_only(self._model.header_page)
        self._header = self._painter.form(self._model.header_page)
        self._opening = [self._new_page() for _ in range(self._model.opening - 1)]
        self._pages: list[_Page] = []
        self._waiting: list[tuple[float, DrawnRow]] = []
        self._taken = 0.0
        self._tags = TableTags(self._pdf, len(content.ends)) if accessible else None

    def add_fonts(self, fonts: Iterable[KeptFont]) -> None:
        """Add fonts that rows are drawn with."""
        self._painter.fonts.update({font.hash: font for font in fonts})

    @property
    def fonts(self) -> Iterable[Any]:
        """All fonts of the file."""
        return self._painter.fonts.values()

    def add(self, rows: Iterable[Any]) -> None:
        """Fill pages with rows, drawn or still to be drawn; a page's rows are written as soon as it is full."""
        for row in rows:
            for part in self._drawer.draw(row) if isinstance(row, Row) else (row,):
                self._add(part)

    def _add(self, row: DrawnRow) -> None:
        if self._waiting and self._taken + row.height > self._room.height + _SLACK:
            self._close_page()
        self._waiting.append((self._taken, row))
        self._taken += row.height

    def finish(self) -> None:
        """Write the last page, what surrounds the rows of all pages, and the rest of the file."""
        if self._waiting or not self._pages:
            self._close_page()
        total = len(self._opening) + len(self._pages)
        document = self._template.document(model_rows(self._content)[:2], pages=total, break_before=2)
        self._put_opening(document.pages[: self._model.opening])
        self._put_frames(total)
        if self._tags is not None:
            self._tags.finish(document, document.pages[self._model.opening - 1])
        self.add_fonts(KeptFont.all_of(self._fonts, _SUFFIX))
        self._painter.finish(document)
        self._pdf.complete()

    @property
    def _room(self) -> Room:
        return self._model.next if self._pages else self._model.first

    def _new_page(self) -> pydyf.Dictionary:
        page = pydyf.Dictionary({"Type": "/Page", "Parent": self._pdf.pages.reference})
        self._pdf.add_page(page)
        return page

    def _close_page(self) -> None:
        place = len(self._opening) + len(self._pages)
        page = self._new_page()
        parts = [self._row(place, top, row) for top, row in self._waiting]
        if self._pages:
            parts.insert(0, self._marked(f"/{self._header} Do"))
        stream = PackedStream("\n".join(parts).encode("ascii"))
        rows = self._pdf.put(stream)
        if self._tags is not None and self._pages:
            self._tags.close_page(place)
        self._pages.append(_Page(page, rows))
        self._waiting = []
        self._taken = 0.0

    def _row(self, page: int, top: float, row: DrawnRow) -> str:
        y = (self._model.page_height - self._room.top - top) * POINTS
        content = row.content.replace(CELL, "") if self._tags is None else self._tagged(page, row.content, self._tags)
        return f"q {POINTS} 0 0 {POINTS} 0 {number(y)} cm\n{content}Q"

    def _tagged(self, page: int, content: str, tags: TableTags) -> str:
        decor, *cells = content.split(CELL)
        marks = tags.row(page, [bool(cell) for cell in cells])
        marked = [
            f"/TD <</MCID {mark}>> BDC {cell}EMC\n" if cell else "" for mark, cell in zip(marks, cells, strict=True)
        ]
        return self._marked(decor) + "".join(marked)

    def _marked(self, content: str) -> str:
        """Return content that says nothing to a reader, marked so where the file is tagged."""
        return content if self._tags is None or not content else f"/Artifact BMC\n{content}\nEMC\n"

    def _put_opening(self, pages: list[Any]) -> None:
        """Write the pages up to the one on which the table begins, that one included."""
        strip_rows(pages[-1])
        table = self._pages[0]
        for place, page in enumerate(pages):
            marked = None if self._tags is None else self._tags.marked_boxes(place)
            stream = self._painter.page(page, marked)
            if self._tags is not None and marked is not None:
                self._tags.add_laid_out(place, box_of(page), marked)
            last = page is pages[-1]
            dictionary = table.dictionary if last else self._opening[place]
            self._put_page(dictionary, place, page, [stream, table.rows] if last else [stream])

    def _put_frames(self, total: int) -> None:
        """Write the pages after the one on which the table begins."""
        opening = self._model.opening
        frames = Frames(
            self._template,
            model_rows(self._content)[0],
            self._painter,
            pages=total,
            opening=opening,
            artifact=self._tags is not None,
        )
        for place, page in enumerate(self._pages[1:], opening):
            frame, content = frames.paint(place + 1)
            self._put_page(page.dictionary, place, frame, [content, page.rows])

    def _put_page(self, dictionary: pydyf.Dictionary, place: int, page: Any, streams: list[bytes]) -> None:
        width, height = (number(side * POINTS) for side in (page.width, page.height))
        dictionary |= {
            "MediaBox": pydyf.Array([0, 0, width, height]),
            "Contents": pydyf.Array(streams),
            "Resources": self._painter.resources.reference,
        }
        if self._tags is not None:
            dictionary |= {"Tabs": "/S", "StructParents": place}
        self._pdf.put(dictionary)
