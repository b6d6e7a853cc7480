"""Chunks of rows as they are kept in a segment: compressed XML, with notes on what the join must know of single rows.

A chunk is written as its notes (JSON, compressed), if there are any, and then its rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeAlias

from gridkit_django.exports import ExportSheet
from gridkit_django.exports.subtotals import Keys, Tally, plain, runs, tallies, unplain
from gridkit_django.typing import JSONValue
from gridkit_plugins.export.exporters.deflating import Piece, packed, unpacked
from gridkit_plugins.export.exporters.xlsx.cells import Cells, ColumnWriter

Link: TypeAlias = tuple[int, int, str]
"""Place of the row in its chunk, place of the column, and the address."""

_SCHEMES = ("https://", "http://", "mailto:", "ftp://")
_LINK_LENGTH_MAX = 2_079
"""Characters of an address in a spreadsheet at most."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring rows of one group.

    Attributes:
        keys: of its groups, outermost first.
        rows: how many they are.
        size: bytes of their XML.
        tallies: their figures.
    """

    keys: Keys
    rows: int
    size: int
    tallies: list[Tally]


@dataclass(frozen=True, slots=True)
class Notes:
    """What the join must know of single rows.

    Attributes:
        runs: the rows by group, when the file has groups.
        links: web addresses in the cells.
    """

    runs: list[Run] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


class ChunkWriter:
    """Makes chunks out of rows.

    Args:
        sheet: columns, groups and figures.
        writers: what makes the cells of each column.
    """

    def __init__(self, sheet: ExportSheet, writers: Sequence[ColumnWriter]) -> None:
        self._sheet = sheet
        self._writers = writers
        self._linked = [place for place, column in enumerate(sheet.columns) if column.link]
        level = len(sheet.groups)
        self._opening = f'<row outlineLevel="{level}">' if level else "<row>"

    def write(self, stream: BinaryIO, rows: Sequence[Sequence[Any]]) -> JSONValue:
        """Write a chunk and return its facts."""
        columns = [writer.cells(values) for writer, values in zip(self._writers, zip(*rows, strict=True), strict=True)]
        links, columns = self._with_links(columns, rows)
        lines = map("".join, zip(*columns, strict=True)) if columns else iter([""] * len(rows))
        if self._sheet.groups:
            xml, noted = self._by_runs(list(lines), rows)
        else:
            xml, noted = self._rows(lines).encode(), []
        notes = b""
        if links or noted:
            notes, _piece = packed(json.dumps([noted, links], ensure_ascii=False).encode("utf-8", "replace"))
        data, piece = packed(xml)
        stream.write(notes)
        stream.write(data)
        return [len(rows), len(notes), piece.packed, piece.size, piece.crc]

    def _rows(self, lines: Any) -> str:
        return f"{self._opening}{f'</row>{self._opening}'.join(lines)}</row>"

    def _by_runs(self, lines: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[bytes, list[JSONValue]]:
        parts: list[bytes] = []
        noted: list[JSONValue] = []
        for keys, start, end in runs(self._sheet, rows):
            part = self._rows(lines[start:end]).encode()
            figures = [tally.to_json() for tally in tallies(self._sheet.figures, rows[start:end])]
            parts.append(part)
            noted.append([[plain(key) for key in keys], end - start, len(part), figures])
        return b"".join(parts), noted

    def _with_links(self, columns: list[Cells], rows: Sequence[Sequence[Any]]) -> tuple[list[list[Any]], list[Cells]]:
        """Note the web addresses, and give their cells the look of a link."""
        links: list[list[Any]] = []
        for place in self._linked:
            cells = list(columns[place])
            for number, row in enumerate(rows):
                if is_link(row[place]):
                    cells[number] = self._writers[place].link(row[place])
                    links.append([number, place, row[place]])
            columns[place] = cells
        return links, columns


def is_link(value: Any) -> bool:
    """Whether a spreadsheet can open the value as an address, and may: no scheme that runs something."""
    return (
        isinstance(value, str)
        and value.lower().startswith(_SCHEMES)
        and len(value) <= _LINK_LENGTH_MAX
        and value.isprintable()
        and " " not in value
    )


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk that was kept.

    Attributes:
        rows: how many rows it has.
        notes: bytes of its notes.
        piece: what must be known of its rows' XML.
    """

    rows: int
    notes: int
    piece: Piece

    def read_notes(self, stream: BinaryIO, sheet: ExportSheet) -> Notes:
        """Read the notes, which stand before the rows."""
        if not self.notes:
            return Notes()
        noted, links = json.loads(unpacked(stream.read(self.notes)))
        return Notes([_run(raw, sheet) for raw in noted], [tuple(link) for link in links])


def chunks(facts: Sequence[Any]) -> Iterator[Chunk]:
    """Yield the chunks of a segment out of its facts."""
    for rows, notes, size_packed, size, crc in facts:
        yield Chunk(rows, notes, Piece(size_packed, size, crc))


def _run(raw: Any, sheet: ExportSheet) -> Run:
    keys, rows, size, figures = raw
    made = [Tally.from_json(figure.fn, told) for figure, told in zip(sheet.figures, figures, strict=True)]
    return Run(tuple(unplain(key) for key in keys), rows, size, made)
