"""Drawing the rows of a table: which kind each row and each cell is of, by the model rows of the laid-out page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gridkit_plugins.export.pdf.content import PLAIN, Content, Look, Row
from gridkit_plugins.export.pdf.drawing import CellKind, DrawnRow, RowKind
from gridkit_plugins.export.pdf.layout import Model, PageTemplate
from gridkit_plugins.export.pdf.shaping import Fonts, Shaper

_SAMPLE = "x"
_KINDS = (("", False), ("", True))
_FIGURE_KINDS = (("subtotal", False), ("total", False))


def model_rows(content: Content) -> list[Row]:
    """Return rows that show each look that a cell can have in each kind of row."""
    columns = len(content.ends)
    return [
        Row([_SAMPLE] * columns, [look] * columns, kind, even)
        for kind, even in _kinds(content)
        for look in content.looks
    ]


def _kinds(content: Content) -> Sequence[tuple[str, bool]]:
    """Return the kinds of rows that the file has, each with whether it is an even row of data."""
    sheet = content.sheet
    return (*_KINDS, *_FIGURE_KINDS) if sheet.groups or sheet.figures else _KINDS


def lay_out_model(template: PageTemplate, content: Content) -> Model:
    """Lay out the model rows, with a page break after the first one."""
    return Model(template.document(model_rows(content), pages=1, break_before=2))


class RowDrawer:
    """Draws rows one after another.

    Args:
        content: the sheet.
        model: what the laid-out model rows told.
        fonts: the fonts of the file, added to.
        suffix: of the fonts' names.
    """

    def __init__(self, content: Content, model: Model, fonts: Fonts, *, suffix: str) -> None:
        shapers: dict[str, Shaper] = {}
        boxes = iter(model.rows)
        self._kinds: dict[tuple[str, bool], dict[Look, RowKind]] = {
            key: {look: RowKind(next(boxes), fonts, suffix, shapers) for look in content.looks}
            for key in _kinds(content)
        }
        self._most = min(model.first.height, model.next.height)

    def draw(self, row: Row) -> Iterator[DrawnRow]:
        """Yield a row, drawn; one that is taller than a page comes in several parts."""
        kinds = self._kinds[row.kind, row.even]
        plain = kinds[PLAIN]
        cells: Sequence[CellKind] = plain.cells
        if row.looks is not None:
            cells = [kinds[look].cells[place] for place, look in enumerate(row.looks)]
        return plain.draw(row.texts, cells, self._most)
