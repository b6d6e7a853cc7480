"""Rows of groups: an outline of the sheet, with a row of figures under each group."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from gridkit_django.exports import ExportSheet
from gridkit_django.exports.subtotals import Subtotal, Subtotals
from gridkit_django.exports.texts import key_writer
from gridkit_plugins.export.exporters.xlsx.book import Book
from gridkit_plugins.export.exporters.xlsx.chunks import Chunk
from gridkit_plugins.export.exporters.xlsx.pages import Pages

_READ_BYTES = 1 << 16


class GroupedRows:
    """Lays rows in by group.

    A group that goes on on the next sheet has a row of figures on each, over its rows on that sheet.

    Args:
        sheet: groups and figures.
        book: the workbook around the rows.
        pages: takes the rows.
    """

    def __init__(self, sheet: ExportSheet, book: Book, pages: Pages) -> None:
        self._sheet = sheet
        self._book = book
        self._pages = pages
        self._subtotals = Subtotals(sheet)
        self._names = [key_writer(sheet, group) for group in sheet.groups]
        self._starts: list[int] = []

    def lay(self, stream: BinaryIO, chunk: Chunk) -> None:
        """Lay in the rows of a chunk, and the figures of the groups that end in it."""
        notes = chunk.read_notes(stream, self._sheet)
        xml = _Unpacked(stream, chunk.piece.packed)
        links = list(notes.links)
        passed = 0
        for run in notes.runs:
            if self._pages.room < run.rows + 2 * len(self._sheet.groups):
                self._turn()
            self._end(self._subtotals.enter(run.keys))
            while len(self._starts) < len(run.keys):
                self._starts.append(self._pages.next_row)
            own = [(row - passed, column, url) for row, column, url in links if passed <= row < passed + run.rows]
            self._pages.lay(xml.take(run.size), run.rows, own)
            self._pages.span(run.rows)
            self._subtotals.add(run.rows, run.tallies)
            passed += run.rows

    def close(self) -> None:
        """Write the figures of the groups that are open."""
        self._end(self._subtotals.close())

    def _turn(self) -> None:
        self.close()
        self._pages.turn()

    def _end(self, ended: list[Subtotal]) -> None:
        for subtotal in ended:
            first, last = self._starts.pop(), self._pages.next_row - 1
            label = f"{self._names[subtotal.level](subtotal.key)} ({subtotal.rows})"
            ranges = [f"{{0}}{first}:{{0}}{last}"]
            cells = self._pages.figures(label, subtotal.figures, self._book.looks.subtotals, ranges)
            level = f' outlineLevel="{subtotal.level}"' if subtotal.level else ""
            row = f"<row{level}>{cells}</row>".encode()
            self._pages.lay([row], 1)


class _Unpacked:
    """Gives out what a compressed piece holds, from front to back, with little of it in memory.

    Args:
        stream: stands at the start of the piece.
        size: bytes of the piece.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size
        self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        self._held = b""

    def take(self, size: int) -> Iterator[bytes]:
        """Yield the next bytes.

        Raises:
            EOFError: when the piece ends before.
        """
        while size:
            if not self._held:
                self._more()
            part, self._held = self._held[:size], self._held[size:]
            yield part
            size -= len(part)

    def _more(self) -> None:
        waiting = self._unpacker.unconsumed_tail
        if not waiting:
            waiting = self._stream.read(min(self._left, _READ_BYTES))
            self._left -= len(waiting)
        self._held = self._unpacker.decompress(waiting, _READ_BYTES)
        if not waiting and not self._held:
            raise EOFError("A kept segment lacks its end.")
