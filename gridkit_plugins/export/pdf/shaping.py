"""Lines of text as PDF operators, shaped by Pango just as WeasyPrint shapes them.

WeasyPrint asks Pango anew for every line. Here one layout is used again for all texts of a style, lines are kept, and
plain texts are put together from what Pango said of each pair of their characters. A pair of which Pango says more than
"two glyphs, with so much room between them" (ligatures, marks, fallback fonts) sends its text to Pango whole.
"""

from __future__ import annotations

import operator
import re
import struct
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any, NamedTuple

from weasyprint.pdf.fonts import Font
from weasyprint.text.ffi import FROM_UNITS, TO_UNITS, ffi, pango
from weasyprint.text.fonts import get_pango_font_key
from weasyprint.text.line_break import Layout

Fonts = MutableMapping[Any, Font]

_COMMON = "\x20-\x40\\[-`{-~\u00a1-\u00a9\u00ab\u00ac\u00ae-\u00b9\u00bb-\u00bf\u00d7\u00f7\u2010-\u2027\u20ac"
_UNPAIRED = (
    "\x20-'*-;=?@\\\\^-`|~\u00a1-\u00a9\u00ac\u00ae-\u00b9\u00bc-\u00bf\u00d7\u00f7\u2010-\u2017\u2020-\u2027\u20ac"
)
"""Signs without brackets and quotes, which belong to the script that their other half stands in."""
_SCRIPTS = (
    ("", ""),
    ("x", "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f"),
    ("\u0445", "\u0400-\u0482\u048a-\u052f"),
    ("\u03c7", "\u0386\u0388-\u03ff"),
)
"""A letter of each script whose letters keep their shape whatever stands beside them, and all of them."""
_PLAIN = tuple((letter, re.compile(f"[{_COMMON}{letters}]+")) for letter, letters in _SCRIPTS)
_MIXED = re.compile(f"[{_UNPAIRED}{''.join(letters for _, letters in _SCRIPTS)}]+")
_OF_ONE_SCRIPT = re.compile(
    f"(?:^[{_UNPAIRED}]+)?(?:{'|'.join(f'([{letters}][{letters}{_UNPAIRED}]*)' for _, letters in _SCRIPTS[1:])})"
)
"""A part of a text of several scripts: letters of one with the signs that follow, and signs at the text's start."""
_PLAIN_IN_RTL = (("", re.compile("[0-9]+(?:[.,:][0-9]+)*")), ("x", re.compile("[A-Za-z0-9]+")))
"""Texts whose order stays the same when they stand in a line from right to left."""
_LINES_KEPT = 20_000
_LONGEST_KEPT = 60
_WHOLE_TEXT = 2**31 - 1
_GLYPH = struct.Struct("=IiiiI")
"""Pango's ``PangoGlyphInfo``: glyph, width, offsets, and flags."""


class Line(NamedTuple):
    """One shaped line; measures are CSS pixels.

    Attributes:
        shown: operators that draw it where the text matrix is, once the first font is chosen; empty for blanks.
        first_font: operator that chooses the font it starts with.
        last_font: operator that chose the font it ends with.
        width: of all glyphs, spaces at the end included.
        height: of the tallest font.
        baseline: below the top.
    """

    shown: str
    first_font: str
    last_font: str
    width: float
    height: float
    baseline: float


class Shaper:
    """Shapes texts of one style.

    Args:
        style: computed style of a WeasyPrint box.
        fonts: the fonts of the file, by Pango's key; added to as glyphs are used.
        suffix: of the fonts' names, so that fonts of several segments can stand in one file.

    Attributes:
        height: of a line in the style's own font, in CSS pixels.
        baseline: of such a line, below its top.
        font: the style's own font.
        size: of it, in CSS pixels.
        own_font: the operator that chooses it.
    """

    def __init__(self, style: Any, fonts: Fonts, suffix: str = "") -> None:
        self._fonts = fonts
        self._suffix = suffix
        self._style = style
        layout = Layout(style)
        self._owner = layout
        self._layout = layout.layout
        self._spacing = 0.0 if style["letter_spacing"] == "normal" else float(style["letter_spacing"])
        self._spaced = bool(self._spacing or style["word_spacing"])
        self._forbid_hyphens()
        pango.pango_layout_set_wrap(self._layout, pango.PANGO_WRAP_WORD_CHAR)
        self._known: dict[int, tuple[Font, float]] = {}
        self._codes: dict[int, dict[tuple[int, int, int], str]] = {}
        self._rectangle = ffi.new("PangoRectangle *")
        self._kept: dict[str, Line] = {}
        self._plain = _PLAIN if style["direction"] == "ltr" else _PLAIN_IN_RTL
        self.font, self.size = self._main_font()
        self.own_font = self.font_name(self.font, self.size)
        model = self._shape("x")
        self.height, self.baseline = model.height, model.baseline
        self._pairs = {letter: _Pairs(self, letter) for letter, _ in self._plain}

    def _forbid_hyphens(self) -> None:
        """Keep Pango from adding hyphens where it breaks words, in all texts to come."""
        attributes = pango.pango_layout_get_attributes(self._layout)
        if attributes == ffi.NULL:
            attributes = ffi.gc(pango.pango_attr_list_new(), pango.pango_attr_list_unref)
        hyphens = pango.pango_attr_insert_hyphens_new(0)
        hyphens.start_index, hyphens.end_index = 0, _WHOLE_TEXT
        pango.pango_attr_list_change(attributes, hyphens)
        pango.pango_layout_set_attributes(self._layout, attributes)

    def _set_text(self, text: str) -> bytes:
        """Give Pango a text without newlines and return its bytes; WeasyPrint says how glyphs are set apart."""
        data = text.encode()
        if self._spaced:
            self._owner = Layout(self._style)
            self._layout = self._owner.layout
            self._owner.set_text(text)
            pango.pango_layout_set_wrap(self._layout, pango.PANGO_WRAP_WORD_CHAR)
        else:
            pango.pango_layout_set_text(self._layout, data, len(data))
        return data

    def lines(self, text: str, width: float) -> list[Line]:
        """Return the lines of a text that may be so wide; words that are wider are broken.

        Args:
            text: with newlines where lines must end.
            width: in CSS pixels.
        """
        line = self.whole(text, width)
        return [self.line(part) for part in self._broken(text, width)] if line is None else [line]

    def whole(self, text: str, width: float) -> Line | None:
        """Return a text as one line, or None when it takes more than one."""
        line = self._kept.get(text)
        if line is None:
            if "\n" in text:
                return None
            line = self._made(text)
        return line if line.width <= width else None

    def line(self, text: str) -> Line:
        """Return a text without newlines as one line."""
        return self._kept.get(text) or self._made(text)

    def _made(self, text: str) -> Line:
        """Return a line that was not kept, and keep it."""
        line = (None if self._spaced else self._composed(text)) or self._shape(text)
        if len(text) <= _LONGEST_KEPT:
            if len(self._kept) >= _LINES_KEPT:
                self._kept.clear()
            self._kept[text] = line
        return line

    def font_name(self, font: Font, size: float) -> str:
        """Return the operator that chooses a font."""
        return f"/{font.hash}{self._suffix} {number(size)} Tf"

    def _broken(self, text: str, width: float) -> list[str]:
        """Return the parts of a text that fit in a line each, as Pango breaks it."""
        parts: list[str] = []
        for paragraph in text.removesuffix("\n").split("\n"):
            data = self._set_text(paragraph)
            pango.pango_layout_set_width(self._layout, int(width * TO_UNITS))
            number = 0
            while (line := pango.pango_layout_get_line_readonly(self._layout, number)) != ffi.NULL:
                parts.append(data[line.start_index : line.start_index + line.length].decode())
                number += 1
        return parts

    def _composed(self, text: str) -> Line | None:
        """Return a line put together from what is known of its pairs of characters; None where that is not enough."""
        for letter, plain in self._plain:
            if plain.fullmatch(text):
                return self._joined([self._pairs[letter].shown(text)], text)
        if self._plain is not _PLAIN or not _MIXED.fullmatch(text):
            return None
        scripts = [letter for letter, _ in _SCRIPTS]
        parts = (self._pairs[scripts[part.lastindex or 0]].shown(part[0]) for part in _OF_ONE_SCRIPT.finditer(text))
        return self._joined(list(parts), text)

    def _joined(self, parts: Sequence[tuple[str, int] | None], text: str) -> Line | None:
        """Return the line that parts make, each told by its glyphs and its width in Pango's units."""
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        glyphs = "".join([shown for shown, _ in known])
        width = sum([advance for _, advance in known])
        shown = "" if text.isspace() else f"[<{glyphs}>]TJ"
        return Line(shown, self.own_font, self.own_font, width * FROM_UNITS, self.height, self.baseline)

    def glyphs(self, text: str) -> list[tuple[int, int]] | None:
        """Return glyphs and advances in Pango's units of a text in the style's own font; None where it takes more."""
        found: list[tuple[int, int]] = []
        for item in self._items(text):
            font, size = self.font_of(item.item.analysis.font)
            if font is not self.font or size != self.size:
                return None
            for glyph, width, *offsets, _ in glyphs_of(item):
                special = glyph == pango.PANGO_GLYPH_EMPTY or glyph & pango.PANGO_GLYPH_UNKNOWN_FLAG
                if special or any(offsets):
                    return None
                self.logical_width(font, glyph, item.item.analysis.font)
                found.append((glyph, width))
        return found

    def logical_width(self, font: Font, glyph: int, pango_font: Any) -> int:
        """Return how far a glyph moves on, in thousandths of the font's size, and note it for the file."""
        width = font.widths.get(glyph)
        if width is None:
            pango.pango_font_get_glyph_extents(pango_font, glyph, ffi.NULL, self._rectangle)
            size = self._known[_address(pango_font)][1]
            width = font.widths[glyph] = round(self._rectangle.width * 1000 * FROM_UNITS / size)
        return int(width)

    def _items(self, text: str) -> Iterator[Any]:
        """Yield the runs of a text laid out in one line."""
        self._set_text(text)
        pango.pango_layout_set_width(self._layout, -1)
        run = pango.pango_layout_get_line_readonly(self._layout, 0).runs
        while run != ffi.NULL:
            yield run.data
            run = run.next

    def _shape(self, text: str) -> Line:
        """Return a line as Pango shapes it."""
        run = _Run(self, text)
        for item in self._items(text):
            run.add(item)
        line = pango.pango_layout_get_line_readonly(self._layout, 0)
        pango.pango_layout_line_get_extents(line, ffi.NULL, self._rectangle)
        width = self._rectangle.width * FROM_UNITS + self._spacing
        height = self._rectangle.height * FROM_UNITS
        baseline = pango.pango_layout_get_baseline(self._layout) * FROM_UNITS
        first, last = run.first_font or self.own_font, run.font or self.own_font
        shown = "" if not text or text.isspace() else run.shown()
        return Line(shown, first, last, width, height, baseline)

    def _main_font(self) -> tuple[Font, float]:
        item = next(self._items("x"))
        return self.font_of(item.item.analysis.font)

    def codes_of(self, pango_font: Any) -> dict[tuple[int, int, int], str]:
        """Return what is known of one of Pango's fonts: a glyph, its width and its offset to what shows it."""
        return self._codes.setdefault(_address(pango_font), {})

    def font_of(self, pango_font: Any) -> tuple[Font, float]:
        """Return the file's font for one of Pango's, and its size in CSS pixels."""
        address = _address(pango_font)
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = self._font_in_file(pango_font)
        return known

    def _font_in_file(self, pango_font: Any) -> tuple[Font, float]:
        """Return the font of the file that holds one of Pango's, added if it is new.

        A fallback font that is slanted for want of an oblique one has the same description as the oblique one of
        another file, so the data decide.
        """
        key, description, size = get_pango_font_key(pango_font)
        font = Font(pango_font, description, size)
        twin = 0
        while (found := self._fonts.setdefault((key, twin), font)).file_content != font.file_content:
            twin += 1
        if found is font and twin:
            font.hash += f"x{twin}"
        return found, size


class _Pairs:
    """Puts lines of one script together from pairs of characters.

    A pair is shaped beside a letter of the script, since signs that all scripts share follow the letters around them.

    Args:
        shaper: of the style.
        letter: of the script; empty for texts of signs and digits only.
    """

    def __init__(self, shaper: Shaper, letter: str) -> None:
        self._shaper = shaper
        self._letter = letter
        self._snippets: dict[str, str | None] = {}
        self._advances: dict[str, int] = {}

    def shown(self, text: str) -> tuple[str, int] | None:
        """Return glyphs and width in Pango's units, or None when a pair of a text is more than two glyphs."""
        keys = [*map(operator.add, text, text[1:]), text[-1]]
        snippets = self._snippets
        try:
            glyphs = "".join(map(snippets.__getitem__, keys))  # type: ignore[arg-type]  # None is a TypeError: below
        except KeyError:
            for key in keys:
                if key not in snippets:
                    self._learn(key)
            return self.shown(text)
        except TypeError:
            return None
        return glyphs, sum(map(self._advances.__getitem__, keys))

    def _learn(self, key: str) -> None:
        """Ask Pango what the first character of a pair, or the last one of a text, looks like, and keep the answer."""
        self._snippets[key] = None
        glyph, advance = self._alone(key[0])
        if len(key) == 2:
            after, _ = self._alone(key[1])
            both = self._shaper.glyphs(f"{key} {self._letter}" if self._letter else key) or []
            if [one for one, _ in both[:2]] != [glyph, after] or len(both) != (4 if self._letter else 2):
                return
            advance = both[0][1]
        if glyph < 0:
            return
        font = self._shaper.font
        font.to_unicode.setdefault(glyph, key[0])
        self._advances[key] = advance
        kerning = int(font.widths[glyph] - advance * 1000 * FROM_UNITS / self._shaper.size)
        self._snippets[key] = f"{glyph:04x}" + (f">{kerning}<" if kerning else "")

    def _alone(self, character: str) -> tuple[int, int]:
        """Return the glyph of a character at a text's end and its advance, or -1 when it takes more than one."""
        found = self._shaper.glyphs(self._letter + character) or []
        return found[-1] if len(found) == len(self._letter) + 1 else (-1, 0)


class _Run:
    """Collects the operators of one line."""

    def __init__(self, shaper: Shaper, text: str) -> None:
        self._shaper = shaper
        self._text = text
        self._operators: list[str] = []
        self._glyphs: list[str] = []
        self.first_font = self.font = ""

    def add(self, item: Any) -> None:
        """Add the glyphs of one of Pango's items."""
        pango_font = item.item.analysis.font
        font, size = self._shaper.font_of(pango_font)
        self._choose(self._shaper.font_name(font, size))
        codes = self._shaper.codes_of(pango_font)
        for place, (glyph, width, x_offset, y_offset, _) in enumerate(glyphs_of(item)):
            key = (glyph, width, x_offset)
            code = codes.get(key)
            if code is None:
                code = codes[key] = self._code(item, place, key, size)
            if y_offset:
                self._close()
                self._operators.append(f" {number(-y_offset / 1000)} Ts[<{code}>]TJ 0 Ts")
            else:
                self._glyphs.append(code)

    def _code(self, item: Any, place: int, key: tuple[int, int, int], size: float) -> str:
        """Return what shows a glyph and moves on by its width."""
        glyph, width, x_offset = key
        pango_font = item.item.analysis.font
        font, _ = self._shaper.font_of(pango_font)
        if glyph == pango.PANGO_GLYPH_EMPTY:
            return f">{number(-width / size)}<"
        if glyph & pango.PANGO_GLYPH_UNKNOWN_FLAG:
            glyph = _unknown(font, glyph, round(width * 1000 * FROM_UNITS / size))
        if glyph not in font.to_unicode:
            font.to_unicode[glyph] = _cluster(item, place, self._text)
        offset = x_offset / size
        kerning = int(self._shaper.logical_width(font, glyph, pango_font) + offset - width * 1000 * FROM_UNITS / size)
        return (f">{number(-offset)}<" if offset else "") + f"{glyph:04x}" + (f">{kerning}<" if kerning else "")

    def shown(self) -> str:
        """Return all operators."""
        self._close()
        return "".join(self._operators)

    def _choose(self, font: str) -> None:
        if font == self.font:
            return
        self._close()
        if self.first_font:
            self._operators.append(font)
        else:
            self.first_font = font
        self.font = font

    def _close(self) -> None:
        if self._glyphs:
            self._operators.append(f"[<{''.join(self._glyphs)}>]TJ")
            self._glyphs.clear()


def glyphs_of(item: Any) -> Iterator[tuple[int, ...]]:
    """Yield glyph, width, offsets and flags of each glyph of one of Pango's items."""
    string = item.glyphs
    return _GLYPH.iter_unpack(ffi.buffer(string.glyphs, string.num_glyphs * _GLYPH.size))


def _unknown(font: Font, glyph: int, width: int) -> int:
    """Return a glyph that stands for a character that no font has: drawn as the font's box, read as the character."""
    found: int = font.get_unused_glyph_id(glyph - pango.PANGO_GLYPH_UNKNOWN_FLAG)
    font.widths[found] = width
    font.widths.setdefault(0, width)
    return found


def _cluster(item: Any, place: int, text: str) -> str:
    """Return the characters that a glyph stands for."""
    clusters, length = item.glyphs.log_clusters, item.item.length
    start = clusters[place]
    leftward = item.item.analysis.level % 2
    last = 0 if leftward else item.glyphs.num_glyphs - 1
    end = length if place == last else clusters[place - 1 if leftward else place + 1]
    offset = item.item.offset
    return text.encode()[offset + start : offset + end].decode()


def _address(pango_font: Any) -> int:
    return int(ffi.cast("uintptr_t", pango_font))


def number(value: float) -> str:
    """Return a number as PDF writes it."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
