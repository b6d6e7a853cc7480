"""The form in which a segment of a PDF file is kept: rows, drawn or as texts, and the fonts they are drawn with."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from weasyprint.pdf.fonts import Font

from gridkit_plugins.export.pdf.content import Look, Row
from gridkit_plugins.export.pdf.drawing import DrawnRow
from gridkit_plugins.export.pdf.groups import RunEnd, RunStart
from gridkit_plugins.export.pdf.shaping import Fonts

_HEAD = struct.Struct("<cdI")
_BLOCK = 1 << 16
_LEVEL = 1
_PLAIN_FACTS = ("hash", "family", "flags", "ascent", "descent", "italic_angle", "stemv", "stemh", "type")


@dataclass
class KeptFont:
    """A font of a segment, with just the glyphs that it uses; it stands in for WeasyPrint's own when a file is made.

    Attributes:
        hash: its name in the content.
        name: its name in the file.
        file_content: the font's subset.
        widths: of glyphs, in thousandths of the size.
        to_unicode: the text of each glyph.
        missing: glyphs that stand for characters that the font lacks, by code point.
    """

    hash: str
    name: bytes
    family: str
    flags: int
    ascent: int
    descent: int
    italic_angle: int
    stemv: int
    stemh: int
    type: str
    file_content: bytes
    widths: dict[int, int]
    to_unicode: dict[int, str]
    missing: dict[int, int]
    bitmap: bool = field(default=False, init=False)
    used_in_forms: bool = field(default=False, init=False)

    @classmethod
    def all_of(cls, fonts: Fonts, suffix: str) -> list[KeptFont]:
        """Return the fonts of rows that were drawn with this suffix."""
        return [_font(_told(group, suffix)) for group in _by_file(fonts)]

    def clean(self, to_unicode: Any, hinting: Any) -> None:
        """Do nothing: the subset was made when the segment was kept."""


Record = DrawnRow | Row | RunStart | RunEnd


def write_records(stream: BinaryIO, records: Iterable[Record]) -> int:
    """Write what is kept of rows and return how many bytes it takes."""
    packer = zlib.compressobj(_LEVEL)
    size = 0
    for record in records:
        kind, height, content = _packed(record)
        data = content.encode("utf-8", "surrogatepass")
        size += stream.write(packer.compress(_HEAD.pack(kind, height, len(data)) + data))
    return size + stream.write(packer.flush())


def read_records(stream: BinaryIO, size: int) -> Iterator[Record]:
    """Yield what ``write_records`` wrote in ``size`` bytes from here.

    Raises:
        EOFError: when the stream ends before.
    """
    unpacker = zlib.decompressobj()
    data = b""
    place = 0
    while size:
        block = stream.read(min(size, _BLOCK))
        if not block:
            raise EOFError("A kept segment lacks its end.")
        size -= len(block)
        data = data[place:] + unpacker.decompress(block)
        place = 0
        while len(data) - place >= _HEAD.size:
            kind, height, length = _HEAD.unpack_from(data, place)
            end = place + _HEAD.size + length
            if end > len(data):
                break
            yield _unpacked(kind, height, data[place + _HEAD.size : end].decode("utf-8", "surrogatepass"))
            place = end


def _packed(record: Record) -> tuple[bytes, float, str]:
    if isinstance(record, DrawnRow):
        return b"D", record.height, record.content
    if isinstance(record, Row):
        return b"T", 0.0, json.dumps(record)
    if isinstance(record, RunStart):
        return b"S", 0.0, record.keys
    return b"E", 0.0, record.figures


def _unpacked(kind: bytes, height: float, content: str) -> Record:
    if kind == b"D":
        return DrawnRow(height, content)
    if kind == b"S":
        return RunStart(content)
    if kind == b"E":
        return RunEnd(content)
    texts, looks, name, even = json.loads(content)
    return Row(texts, None if looks is None else [Look(*look) for look in looks], name, even)


def write_fonts(stream: BinaryIO, fonts: Fonts, suffix: str) -> None:
    """Write the subsets of fonts that a segment uses."""
    stream.write(zlib.compress(json.dumps([_told(group, suffix) for group in _by_file(fonts)]).encode(), _LEVEL))


def read_fonts(stream: BinaryIO) -> list[KeptFont]:
    """Return the fonts that stand in the rest of a segment."""
    return [_font(told) for told in json.loads(zlib.decompress(stream.read()))]


def missing_characters(fonts: Iterable[Font | KeptFont]) -> list[str]:
    """Return the characters that fonts of a file were asked for and that none has, in their order."""
    return [chr(point) for point in sorted({point for font in fonts for point in font.missing})]


def _by_file(fonts: Fonts) -> Iterable[list[Font]]:
    groups: dict[str, list[Font]] = {}
    for font in fonts.values():
        if font.to_unicode:
            groups.setdefault(font.hash, []).append(font)
    return groups.values()


def _told(group: list[Font], suffix: str) -> dict[str, Any]:
    font = group[0]
    to_unicode = {glyph: text for one in group for glyph, text in one.to_unicode.items()}
    font.clean(to_unicode, hinting=False)
    plain = {name: getattr(font, name) for name in _PLAIN_FACTS}
    return {
        **plain,
        "hash": font.hash + suffix,
        "name": font.name.decode("latin-1"),
        "file_content": base64.b64encode(font.file_content).decode(),
        "widths": list({glyph: width for one in group for glyph, width in one.widths.items()}.items()),
        "to_unicode": list(to_unicode.items()),
        "missing": [pair for one in group for pair in one.missing.items()],
    }


def _font(told: dict[str, Any]) -> KeptFont:
    return KeptFont(
        **{name: told[name] for name in _PLAIN_FACTS},
        name=told["name"].encode("latin-1"),
        file_content=base64.b64decode(told["file_content"]),
        widths=dict(told["widths"]),
        to_unicode=dict(told["to_unicode"]),
        missing=dict(told["missing"]),
    )
