"""Painting pages that WeasyPrint laid out into a file that is written page by page."""

from __future__ import annotations

from typing import Any

import pydyf
from weasyprint import VERSION, Document
from weasyprint.pdf import _use_references
from weasyprint.pdf.fonts import build_fonts_dictionary
from weasyprint.pdf.stream import Stream

from gridkit_plugins.export.pdf.tags import MarkedBoxes
from gridkit_plugins.export.pdf.writing import FileInWriting

POINTS = 0.75
"""Points of a CSS pixel."""
_FONT_OPTIONS = {"hinting": False, "pdf_version": "1.7"}


class Painter:
    """Paints pages and keeps what all of them share: fonts, images and states.

    Args:
        pdf: the file.
        document: any laid-out document of the template.

    Attributes:
        fonts: all fonts of the file.
        resources: what the file's pages refer to by name.
    """

    def __init__(self, pdf: FileInWriting, document: Document) -> None:
        self._pdf = pdf
        self._document = document
        self.fonts: dict[Any, Any] = {}
        self._images: dict[str, Any] = {}
        names = ("ExtGState", "XObject", "Pattern", "Shading")
        self.resources = pydyf.Dictionary({name: pydyf.Dictionary() for name in names})
        self.resources["ColorSpace"] = pydyf.Dictionary()
        pdf.add_object(self.resources)

    def page(self, page: Any, marked: MarkedBoxes | None, *, artifact: bool = False) -> bytes:
        """Paint a page and return the reference of its content, which leaves all states as they were.

        Args:
            page: laid out by WeasyPrint.
            marked: where marked boxes are noted; None marks nothing.
            artifact: mark the whole page as saying nothing to a reader.
        """
        stream = self._stream(page, marked)
        if artifact:
            stream.begin_marked_content("Artifact")
        stream.push_state()
        stream.transform(d=-1, f=page.height * POINTS)
        page.paint(stream, POINTS)
        stream.pop_state()
        if artifact:
            stream.end_marked_content()
        return self._pdf.put(stream)

    def form(self, page: Any) -> str:
        """Paint a page as a form that other pages can show, and return its name."""
        form = self._stream(page, None).add_group(0, 0, page.width * POINTS, page.height * POINTS)
        form.transform(d=-1, f=page.height * POINTS)
        page.paint(form, POINTS)
        name: str = form.id
        return name

    def finish(self, document: Document) -> None:
        """Write what the pages share, and what the file says of itself.

        Args:
            document: whose title, author and language the file has.
        """
        self.resources["Font"] = build_fonts_dictionary(
            self._pdf, self.fonts, compress=True, subset=True, options=_FONT_OPTIONS
        )
        self._pdf.add_object(self.resources["Font"])
        fonts = self.resources["Font"].reference
        self.resources["Font"] = fonts
        _use_references(self._pdf, self.resources, self._images, {})
        metadata, info = document.metadata, self._pdf.info
        info["Producer"] = pydyf.String(f"WeasyPrint {VERSION}")
        if metadata.title:
            info["Title"] = pydyf.String(metadata.title)
        if metadata.authors:
            info["Author"] = pydyf.String(", ".join(metadata.authors))
        if metadata.generator:
            info["Creator"] = pydyf.String(metadata.generator)
        if metadata.lang:
            self._pdf.catalog["Lang"] = pydyf.String(metadata.lang)

    def _stream(self, page: Any, marked: MarkedBoxes | None) -> Stream:
        rectangle = (0, 0, page.width, page.height)
        return Stream(self.fonts, rectangle, self.resources, self._images, marked, {}, None, compress=True)
