"""Rows drawn as the laid-out model row shows: each one a piece of page content with a height of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from weasyprint.draw.color import get_color
from weasyprint.formatting_structure.boxes import TableCellBox, TableRowBox
from weasyprint.text.line_break import strut

from gridkit_plugins.export.pdf.shaping import Fonts, Line, Shaper, number

CELL = "\0"
"""Stands before the text of each cell in a row's content: tags are put there when the file is tagged."""
_SHAPING = (
    "font_family",
    "font_style",
    "font_stretch",
    "font_weight",
    "font_size",
    "font_kerning",
    "font_variant_ligatures",
    "font_variant_position",
    "font_variant_caps",
    "font_variant_numeric",
    "font_variant_alternates",
    "font_variant_east_asian",
    "font_feature_settings",
    "font_variation_settings",
    "font_language_override",
    "lang",
    "direction",
    "letter_spacing",
    "word_spacing",
)
_SIDES = ("top", "right", "bottom", "left")


class DrawnRow(NamedTuple):
    """One row, or one part of a row that is taller than a page.

    Attributes:
        height: in CSS pixels.
        content: operators, in CSS pixels with the y axis upward from the row's top.
    """

    height: float
    content: str


class RowKind:
    """How rows of one kind look.

    Args:
        row: laid-out model row.
        fonts: the fonts of the file.
        suffix: of the fonts' names.
        shapers: the shapers in use by their style, added to.
    """

    def __init__(self, row: TableRowBox, fonts: Fonts, suffix: str, shapers: dict[str, Shaper]) -> None:
        self.cells = [CellKind(cell, fonts, suffix, shapers) for cell in row.children]
        self._box = (row.position_x, row.width)
        self._back = _fill(get_color(row.style, "background_color"))
        self._decor: dict[float, str] = {}
        self.regular = max(cell.regular for cell in self.cells)
        for cell in self.cells:
            cell.settle(self.regular)

    def draw(self, texts: Sequence[str], styles: Sequence[CellKind], most: float) -> Iterator[DrawnRow]:
        """Yield the row, in several parts where it is taller than ``most``.

        Args:
            texts: of the cells.
            styles: how each cell looks.
            most: room of a page, in CSS pixels.
        """
        lines = [cell.shaper.whole(text, cell.width) for cell, text in zip(styles, texts, strict=True)]
        if styles is self.cells and self.regular <= most and None not in lines:
            shown = self._regular(lines)  # type: ignore[arg-type]  # None is not in it
            if shown:
                yield DrawnRow(self.regular, shown)
                return
        cells = [
            _CellLines(cell, cell.shaper.lines(text, cell.width) if line is None else [line])
            for cell, text, line in zip(styles, texts, lines, strict=True)
        ]
        height = max(cell.height for cell in cells)
        if height <= most:
            yield self._whole(styles, cells, height)
        else:
            yield from self._parts(styles, cells, most)

    def _regular(self, lines: Sequence[Line]) -> str:
        """Return a row of one line a cell, each in the cell's own font; empty when the row isn't so."""
        parts = [self._decoration(self.cells, self.regular)]
        font = color = ""
        for cell, line in zip(self.cells, lines, strict=True):
            if line.height != cell.shaper.height or line.baseline != cell.shaper.baseline:
                return ""
            if not line.shown:
                parts.append(CELL)
                continue
            first = "" if line.first_font == font else line.first_font
            font = line.last_font
            place = cell.place if not cell.align else f"{number(cell.line_x(line))}{cell.drop}"
            if cell.color == color:
                parts.append(f"{CELL}BT 1 0 0 1 {place} Tm {first}{line.shown} ET\n")
            else:
                color = cell.color
                parts.append(f"{CELL}{color}BT 1 0 0 1 {place} Tm {first}{line.shown} ET\n")
        return "".join(parts)

    def _whole(self, styles: Sequence[CellKind], cells: Sequence[_CellLines], height: float) -> DrawnRow:
        decor = self._decoration(styles, height)
        return DrawnRow(height, decor + "".join(_texts(cells, height)))

    def _parts(self, styles: Sequence[CellKind], cells: Sequence[_CellLines], most: float) -> Iterator[DrawnRow]:
        """Yield parts of as many lines as fit on a page each."""
        while any(cell.lines for cell in cells):
            taken = [cell.take(most) for cell in cells]
            height = min(most, max(cell.height for cell in taken))
            yield self._whole(styles, taken, height)

    def _decoration(self, styles: Sequence[CellKind], height: float) -> str:
        """Return backgrounds and borders of a row of this height."""
        plain = styles is self.cells
        if plain and height in self._decor:
            return self._decor[height]
        x, width = self._box
        parts = [_rectangle(self._back, x, -height, width, height)] if self._back else []
        parts += [cell.background(height) for cell in styles]
        parts += _joined([border for cell in styles for border in cell.borders(height)])
        text = "".join(parts)
        if plain:
            self._decor[height] = text
        return text


class CellKind:
    """How cells of one column look in rows of one kind.

    Args:
        cell: laid-out model cell.
        fonts: the fonts of the file.
        suffix: of the fonts' names.
        shapers: the shapers in use by their style, added to.
    """

    def __init__(self, cell: TableCellBox, fonts: Fonts, suffix: str, shapers: dict[str, Shaper]) -> None:
        style = cell.style
        key = repr([style[name] for name in _SHAPING])
        if key not in shapers:
            shapers[key] = Shaper(style, fonts, suffix)
        self.shaper = shapers[key]
        self.x: float = cell.position_x
        self.left: float = cell.content_box_x()
        self.width: float = cell.width
        self.above: float = cell.border_top_width + _padding(style, "top")
        self.below: float = cell.border_bottom_width + _padding(style, "bottom")
        self.line_height, self.strut = strut(style)
        self.color = _fill(style["color"])
        self.align = _align(style)
        self.valign: str = style["vertical_align"]
        self._outer: float = cell.border_width()
        self._back = _fill(get_color(style, "background_color"))
        self._borders = {side: _border(cell, side) for side in _SIDES}
        model = Line("", "", "", 0, self.shaper.height, self.shaper.baseline)
        self._regular_line = self.measure(model)
        self.regular = self.above + self.below + self._regular_line[0]

    def settle(self, height: float) -> None:
        """Note where a single line stands in a row of this height."""
        top = self.above + self.lead(height - self.regular)
        self.drop = f" {number(-(top + self._regular_line[1]))}"
        self.place = f"{number(self.left)}{self.drop}"

    def lead(self, spare: float) -> float:
        """Return how much of the spare height stands above the lines."""
        return spare if self.valign == "bottom" else spare / 2 if self.valign == "middle" else 0.0

    def line_x(self, line: Line) -> float:
        """Return where a line starts."""
        return self.left + self.align * (self.width - line.width)

    def background(self, height: float) -> str:
        """Return the background of a cell of this height."""
        return _rectangle(self._back, self.x, -height, self._outer, height) if self._back else ""

    def borders(self, height: float) -> Iterator[tuple[str, float, float, float, float]]:
        """Yield the borders of a cell of this height as colours and rectangles."""
        for side, (color, thick) in self._borders.items():
            if not thick:
                continue
            if side in ("top", "bottom"):
                y = -thick if side == "top" else -height
                yield color, self.x, y, self._outer, thick
            else:
                x = self.x if side == "left" else self.x + self._outer - thick
                yield color, x, -height, thick, height

    def measure(self, line: Line) -> tuple[float, float]:
        """Return how tall a line stands in this cell, and where its baseline is below the line's top.

        A fallback font that reaches higher than the cell's own pushes the baseline down, as it does in a line box.
        """
        baseline = line.baseline + (self.line_height - line.height) / 2
        above = max(self.strut, baseline)
        below = max(self.line_height - self.strut, self.line_height - baseline)
        return above + below, above


class _CellLines:
    """The lines of one cell, with their measures."""

    def __init__(self, kind: CellKind, lines: list[Line]) -> None:
        self.kind = kind
        self.lines = lines
        self._measures = [kind.measure(line) for line in lines]

    @property
    def height(self) -> float:
        """Return how tall the cell must be."""
        return self.kind.above + self.kind.below + sum(height for height, _ in self._measures)

    def take(self, most: float) -> _CellLines:
        """Take off as many lines as fit, one at least."""
        room = most - self.kind.above - self.kind.below
        count = 0
        while count < len(self.lines) and (room >= self._measures[count][0] or count == 0):
            room -= self._measures[count][0]
            count += 1
        taken = _CellLines(self.kind, self.lines[:count])
        self.lines, self._measures = self.lines[count:], self._measures[count:]
        return taken

    def placed(self, height: float) -> Iterator[tuple[float, float, Line]]:
        """Yield where each line starts, on its baseline, in a row of this height."""
        kind = self.kind
        y = kind.above + kind.lead(height - self.height)
        for line, (tall, baseline) in zip(self.lines, self._measures, strict=True):
            yield kind.line_x(line), -(y + baseline), line
            y += tall


def _texts(cells: Sequence[_CellLines], height: float) -> Iterator[str]:
    """Yield the operators that draw the texts of a row."""
    font = color = ""
    for cell in cells:
        yield CELL
        for x, y, line in cell.placed(height):
            if not line.shown:
                continue
            first = "" if line.first_font == font else line.first_font
            font = line.last_font
            if cell.kind.color != color:
                color = cell.kind.color
                yield color
            yield f"BT 1 0 0 1 {number(x)} {number(y)} Tm {first}{line.shown} ET\n"


def _joined(borders: list[tuple[str, float, float, float, float]]) -> list[str]:
    """Return borders as operators, those that touch each other end to end as one."""
    found: list[tuple[str, float, float, float, float]] = []
    for border in borders:
        color, x, y, width, height = border
        for place, (other, left, low, wide, tall) in enumerate(found):
            if (other, low, tall) == (color, y, height) and abs(left + wide - x) < 0.01:
                found[place] = (color, left, low, wide + width, height)
                break
            if (other, low, tall) == (color, y, height) and abs(x + width - left) < 0.01:
                found[place] = (color, x, low, wide + width, height)
                break
        else:
            found.append(border)
    return [_line(*border) for border in found]


def _rectangle(color: str, x: float, y: float, width: float, height: float) -> str:
    return f"{color}{number(x)} {number(y)} {number(width)} {number(height)} re f\n"


def _line(color: str, x: float, y: float, width: float, height: float) -> str:
    """Return the operators that fill a thin rectangle: clipped to itself, so that it is as light as WeasyPrint's."""
    left, right, low, high = number(x), number(x + width), number(y), number(y + height)
    clip = f"{right} {low} m {left} {low} l {left} {high} l {right} {high} l W* n"
    return f"q {clip} {_rectangle(color, x, y, width, height)}Q\n"


def _fill(color: Any) -> str:
    """Return the operator that fills with a colour, as it looks on white; empty for no colour."""
    alpha = color.alpha
    if not alpha:
        return ""
    parts = (1 - alpha + alpha * part for part in color.to("srgb").coordinates)
    return " ".join(number(part) or "0" for part in parts) + " rg "


def _border(cell: TableCellBox, side: str) -> tuple[str, float]:
    color = _fill(get_color(cell.style, f"border_{side}_color"))
    drawn = color and cell.style[f"border_{side}_style"] not in ("none", "hidden")
    return color, getattr(cell, f"border_{side}_width") if drawn else 0


def _padding(style: Any, side: str) -> float:
    return float(style[f"padding_{side}"].value)


def _align(style: Any) -> float:
    """Return which part of the free room stands left of a line."""
    align = style["text_align_all"]
    if align == "center":
        return 0.5
    leftward = style["direction"] == "rtl"
    return float(align == "right" or align == ("start" if leftward else "end"))
