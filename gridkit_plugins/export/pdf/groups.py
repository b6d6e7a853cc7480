"""Rows of figures under groups and under the table, woven in when a file is joined.

A group may go on from one segment to the next, so a segment only says where runs of rows with the same keys begin and
end, and what they come to; the rows of figures are made when all segments are read one after another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from django.utils import formats
from django.utils.translation import gettext

from gridkit_django.exports import ExportSheet
from gridkit_django.exports.subtotals import Subtotals, Tally, plain, runs, tallies, unplain
from gridkit_django.exports.texts import key_writer, text_writer
from gridkit_django.grids.functions import Fn
from gridkit_plugins.export.pdf.content import Content, Row, clean

Item = TypeVar("Item")


class RunStart(NamedTuple):
    """Rows with these keys follow."""

    keys: str


class RunEnd(NamedTuple):
    """The rows since the last start, and what they come to."""

    figures: str


def with_runs(
    sheet: ExportSheet, rows: Iterable[Sequence[Sequence[Any]]]
) -> Iterator[Sequence[Any] | RunStart | RunEnd]:
    """Yield rows, and where runs of rows with the same keys begin and end, where the sheet has groups or figures."""
    for chunk in rows:
        if not sheet.groups and not sheet.figures:
            yield from chunk
            continue
        for keys, start, end in runs(sheet, chunk):
            yield RunStart(json.dumps([plain(key) for key in keys]))
            yield from chunk[start:end]
            gathered = tallies(sheet.figures, chunk[start:end])
            yield RunEnd(json.dumps([end - start, [tally.to_json() for tally in gathered]]))


class Figures:
    """Makes rows of figures while what was kept of the rows passes.

    Args:
        content: the sheet.
    """

    def __init__(self, content: Content) -> None:
        self._content = content
        self._sheet = content.sheet
        self._subtotals = Subtotals(self._sheet)
        self._totals = tallies(self._sheet.figures)
        self._names = [key_writer(self._sheet, group) for group in self._sheet.groups]
        self._writers = [
            str if figure.fn is Fn.COUNT else text_writer(self._sheet.columns[figure.column], self._sheet.language)
            for figure in self._sheet.figures
        ]

    def weave(self, items: Iterable[Item | RunStart | RunEnd]) -> Iterator[Item | Row]:
        """Yield what was kept of rows, with rows of figures between them."""
        for item in items:
            if isinstance(item, RunStart):
                yield from self._ended(self._subtotals.enter(tuple(unplain(key) for key in json.loads(item.keys))))
            elif isinstance(item, RunEnd):
                self._take_in(item)
            else:
                yield item

    def close(self) -> Iterator[Row]:
        """Yield the rows of figures after the last row."""
        yield from self._ended(self._subtotals.close())
        if self._sheet.figures:
            yield self._row("total", gettext("Total"), [tally.value for tally in self._totals])

    def _take_in(self, item: RunEnd) -> None:
        count, raw = json.loads(item.figures)
        pairs = zip(self._sheet.figures, raw, strict=True)
        gathered = [Tally.from_json(figure.fn, one) for figure, one in pairs]
        self._subtotals.add(count, gathered)
        for total, one in zip(self._totals, gathered, strict=True):
            total.merge(one)

    def _ended(self, subtotals: Iterable[Any]) -> Iterator[Row]:
        for subtotal in subtotals:
            name = self._names[subtotal.level](subtotal.key)
            yield self._row("subtotal", f"{name} ({formats.localize(subtotal.rows)})", subtotal.figures)

    def _row(self, kind: str, label: str, values: Sequence[Any]) -> Row:
        texts = [""] * len(self._sheet.columns)
        taken = {figure.column for figure in self._sheet.figures}
        free = next((place for place in range(len(texts)) if place not in taken), None)
        if free is not None:
            texts[free] = clean(label)
        for figure, write, value in zip(self._sheet.figures, self._writers, values, strict=True):
            texts[figure.column] = clean(write(value))
        return Row(texts, self._content.directions(texts), kind)
