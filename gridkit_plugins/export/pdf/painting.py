"""Painting pages that WeasyPrint laid out into a file that is written page by page."""

from __future__ import annotations

from typing import Any

import pydyf
from weasyprint import VERSION, Document
from weasyprint.draw.text import draw_first_line
from weasyprint.matrix import Matrix
from weasyprint.pdf import _use_references
from weasyprint.pdf.fonts import build_fonts_dictionary
from weasyprint.pdf.stream import Stream
from weasyprint.text.line_break import line_size

from gridkit_plugins.export.pdf.tags import MarkedBoxes
from gridkit_plugins.export.pdf.writing import FileInWriting, PackedStream

POINTS = 0.75
"""Points of a CSS pixel."""
_SHOWS = b" TJ"
_ALIKE = 0.001
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
        return self.put(b"\n".join(self.operators(page, marked, artifact=artifact)))

    def operators(self, page: Any, marked: MarkedBoxes | None = None, *, artifact: bool = False) -> list[bytes]:
        """Paint a page and return its content; arguments as for ``page``."""
        stream = self._stream(page.width, page.height, marked)
        if artifact:
            stream.begin_marked_content("Artifact")
        stream.push_state()
        stream.transform(d=-1, f=page.height * POINTS)
        page.paint(stream, POINTS)
        stream.pop_state()
        if artifact:
            stream.end_marked_content()
        return [_bytes(part) for part in stream.stream]

    def text(self, box: Any) -> bytes | None:
        """Return the operator that shows the glyphs of a text that was changed since its box was laid out.

        None where they take more than one, or where the text is not as wide as its box any more.
        """
        stream = self._stream(0, 0, None)
        layout = box.pango_layout
        layout.reactivate(box.style)
        draw_first_line(stream, box, "clip", "none", Matrix())
        width, _ = line_size(layout.get_first_line()[0], box.style)
        layout.deactivate()
        shown = [part for part in stream.stream if part.endswith(_SHOWS)]
        return shown[0] if len(shown) == 1 and abs(width - box.width) < _ALIKE else None

    def put(self, content: bytes) -> bytes:
        """Write the content of a page and return its reference."""
        return self._pdf.put(PackedStream(content))

    def form(self, page: Any) -> str:
        """Paint a page as a form that other pages can show, and return its name."""
        form = self._stream(page.width, page.height, None).add_group(0, 0, page.width * POINTS, page.height * POINTS)
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

    def _stream(self, width: float, height: float, marked: MarkedBoxes | None) -> Stream:
        rectangle = (0, 0, width, height)
        return Stream(self.fonts, rectangle, self.resources, self._images, marked, {}, None, compress=True)


def _bytes(part: Any) -> bytes:
    """Return a part of a stream as pydyf writes it."""
    if isinstance(part, bytes):
        return part
    data: bytes = part.data if isinstance(part, pydyf.Object) else str(part).encode("ascii")
    return data
