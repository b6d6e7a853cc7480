"""The sheets of a file while it is put together: rows are laid into them, and one follows the other when it is full."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO
from xml.sax.saxutils import quoteattr

from django.utils import translation
from django.utils.translation import gettext
from openpyxl.utils import get_column_letter

from gridkit_django.exports import ExportSheet
from gridkit_django.exports.subtotals import Tally, tallies
from gridkit_django.grids.functions import Fn
from gridkit_plugins.export.exporters.deflating import Piece, packed, unpacked
from gridkit_plugins.export.exporters.xlsx.book import Book, SheetXml
from gridkit_plugins.export.exporters.xlsx.cells import EMPTY, ColumnWriter, text_cell
from gridkit_plugins.export.exporters.xlsx.chunks import Link
from gridkit_plugins.export.exporters.zipping import ZipWriter

LINKS_MAX = 65_530
"""Links of one sheet at most: a limit of spreadsheets. Further addresses stay texts."""

SPANS_MAX = 2_000
"""Stretches of rows that a rule names; with more of them it is for the figures between them too."""

_FUNCTIONS = {Fn.AVG: 101, Fn.COUNT: 103, Fn.MAX: 104, Fn.MIN: 105, Fn.SUM: 109}
"""Numbers of SUBTOTAL that leave hidden rows and other subtotals out."""

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_HYPERLINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_AFTER_LINKS = re.compile(rb"<(?:printOptions|pageMargins|pageSetup|headerFooter|drawing|legacyDrawing|tableParts)\b")


class Links:
    """The links of one sheet, kept compressed: there may be tens of thousands."""

    def __init__(self) -> None:
        self.count = 0
        self._places: list[bytes] = []
        self._targets: list[bytes] = []

    def add(self, links: Sequence[Link], row: int) -> None:
        """Take in the links of some rows.

        Args:
            links: with the place of their row among these rows.
            row: number of the first of these rows on the sheet.
        """
        links = links[: LINKS_MAX - self.count]
        numbered = list(enumerate(links, start=self.count + 1))
        self.count += len(links)
        self._places.append(_kept("".join(_place(number, row, link) for number, link in numbered)))
        self._targets.append(_kept("".join(_target(number, link[2]) for number, link in numbered)))

    def places(self) -> bytes:
        """Return the elements of the sheet that say which cells are links."""
        return b"".join(map(unpacked, self._places))

    def targets(self) -> bytes:
        """Return the relations of the sheet that say where the links lead."""
        return b"".join(map(unpacked, self._targets))


class Pages:
    """Lays rows into sheets.

    Args:
        stream: takes the file.
        sheet: columns and figures.
        book: the workbook around the rows.
        writers: what makes the cells of each column.
    """

    def __init__(self, stream: BinaryIO, sheet: ExportSheet, book: Book, writers: Sequence[ColumnWriter]) -> None:
        self._zip = ZipWriter(stream)
        self._sheet = sheet
        self._book = book
        self._writers = writers
        self._rows: list[int] = []
        self._spans: list[list[tuple[int, int]]] = []
        self._members: dict[str, bytes] = {}
        self._related: dict[str, bytes] = {}
        self._totals = tallies(sheet.figures)
        self._open()

    @property
    def room(self) -> int:
        """How many rows the present sheet still takes."""
        return self._book.room(len(self._rows) - 1) - self._rows[-1]

    @property
    def next_row(self) -> int:
        """Number of the row on the present sheet that comes next."""
        return self._book.header_row(len(self._rows) - 1) + self._rows[-1] + 1

    def turn(self) -> None:
        """End the present sheet and begin the next one."""
        self._end(self._part(totals=False))
        self._open()

    def take_over(self, source: BinaryIO, piece: Piece, rows: int, links: Sequence[Link]) -> None:
        """Lay in rows that are compressed already."""
        self._links.add(links, self.next_row)
        self._zip.take_over(source, piece)
        self._rows[-1] += rows

    def lay(self, xml: Iterable[bytes], rows: int, links: Sequence[Link] = ()) -> None:
        """Lay in rows of XML."""
        self._links.add(links, self.next_row)
        for part in xml:
            self._zip.write(part)
        self._rows[-1] += rows

    def span(self, rows: int) -> None:
        """Say that the rows laid in last are rows of the table, and not figures."""
        last, held = self.next_row - 1, self._spans[-1]
        if held and held[-1][1] == last - rows:
            held[-1] = (held[-1][0], last)
        elif len(held) <= SPANS_MAX:
            held.append((last - rows + 1, last))

    def total(self, gathered: Sequence[Tally]) -> None:
        """Take in the figures of rows."""
        for tally, more in zip(self._totals, gathered, strict=True):
            tally.merge(more)

    def close(self) -> None:
        """End the last sheet and write all else."""
        self._end(self._part(totals=True))
        for name, data in {**self._members, **self._related}.items():
            self._zip.add(name, data)
        self._zip.close()

    def figures(self, label: str, values: Sequence[Any], looks: Sequence[int], ranges: Sequence[str]) -> str:
        """Return the cells of a row of figures.

        Args:
            label: stands in the first column without a figure.
            values: of the figures.
            looks: number of the style of each column.
            ranges: which cells they are over, with ``{}`` for the letters of the column.
        """
        cells = [f'<c s="{look}"/>' if look else EMPTY for look in looks]
        free = [place for place in range(len(cells)) if all(place != item.column for item in self._sheet.figures)]
        if free:
            cells[free[0]] = text_cell(label, looks[free[0]])
        for figure, value in zip(self._sheet.figures, values, strict=True):
            letter = get_column_letter(figure.column + 1)
            told = ",".join(part.format(letter) for part in ranges)
            formula = f"SUBTOTAL({_FUNCTIONS[figure.fn]},{told})"
            cells[figure.column] = self._writers[figure.column].formula(formula, value, looks[figure.column])
        return "".join(cells)

    def _open(self) -> None:
        self._rows.append(0)
        self._spans.append([])
        self._links = Links()
        expected = self._expected()
        parts, _members = self._book.parts([*self._rows[:-1], expected])
        self._zip.start(parts[-1].name)
        self._zip.write(parts[-1].before)

    def _expected(self) -> int:
        """Return how many rows the present sheet will have as far as is known; only its stated size depends on it."""
        left = max(self._sheet.total_rows - sum(self._rows[:-1]), 0)
        return min(left, self._book.room(len(self._rows) - 1)) + bool(self._sheet.figures)

    def _end(self, rows: str) -> None:
        spans = [held if len(held) <= SPANS_MAX else [] for held in self._spans]
        parts, self._members = self._book.parts(self._rows, spans)
        part = parts[-1]
        after = self._with_links(part)
        self._zip.write(rows.encode() + after)
        self._zip.end()

    def _part(self, *, totals: bool) -> str:
        """Return the rows that end the present sheet: the totals, on the last one."""
        if not totals or not self._sheet.figures:
            return ""
        ranges = [
            self._range(index, named=index < len(self._rows) - 1) for index, rows in enumerate(self._rows) if rows
        ]
        with translation.override(self._sheet.language):
            label = gettext("Total")
        values = [tally.value for tally in self._totals]
        return f"<row>{self.figures(label, values, self._book.looks.totals, ranges or ['{}1'])}</row>"

    def _range(self, index: int, *, named: bool) -> str:
        first = self._book.header_row(index) + 1
        name = "'" + self._book.title(index).replace("'", "''").replace("{", "{{").replace("}", "}}") + "'!"
        return f"{name if named else ''}{{0}}{first}:{{0}}{first + self._rows[index] - 1}"

    def _with_links(self, part: SheetXml) -> bytes:
        """Put the links of the present sheet where the format wants them, and remember where they lead."""
        if not self._links.count:
            return part.after
        folder, _, name = part.name.rpartition("/")
        self._relate(f"{folder}/_rels/{name}.rels", self._links.targets())
        places = self._links.places()
        if b"</hyperlinks>" in part.after:
            return part.after.replace(b"</hyperlinks>", places + b"</hyperlinks>")
        found = _AFTER_LINKS.search(part.after)
        place = found.start() if found else part.after.index(b"</worksheet>")
        return part.after[:place] + b"<hyperlinks>" + places + b"</hyperlinks>" + part.after[place:]

    def _relate(self, name: str, targets: bytes) -> None:
        held = self._members.get(name, f'<Relationships xmlns="{_RELATIONS}"></Relationships>'.encode())
        self._related[name] = held.replace(b"</Relationships>", targets + b"</Relationships>")


def _kept(text: str) -> bytes:
    data, _piece = packed(text.encode("utf-8", "replace"))
    return data


def _place(number: int, row: int, link: Link) -> str:
    address = f"{get_column_letter(link[1] + 1)}{row + link[0]}"
    return f'<hyperlink xmlns:r="{_OFFICE}" ref="{address}" r:id="gk{number}"/>'


def _target(number: int, address: str) -> str:
    told = f'Id="gk{number}" Type="{_HYPERLINK}" Target={quoteattr(address)} TargetMode="External"'
    return f"<Relationship {told}/>"
