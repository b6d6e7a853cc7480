"""Files that are compressed while they are written: as they are, as gzip (RFC 1952) or as the one member of a zip file.

Segments are compressed when they are made, and put together without being unpacked.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO, Protocol

from gridkit_django.exports import KeptSegment
from gridkit_django.typing import JSONObject, JSONValue
from gridkit_plugins.export.exporters.deflating import Packer, Piece
from gridkit_plugins.export.exporters.zipping import ZipWriter

_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_COPY_BYTES = 1024 * 1024


class Whole(Protocol):
    """A file on its way."""

    def write(self, data: bytes) -> object:
        """Add bytes."""

    def take_over(self, segment: KeptSegment) -> None:
        """Add a kept segment."""

    def close(self) -> None:
        """Complete the file."""


class Part(Protocol):
    """A segment on its way."""

    def write(self, data: bytes) -> object:
        """Add bytes."""

    def close(self) -> JSONObject:
        """Complete the segment, and return what the whole file must know of it."""


def whole_file(stream: BinaryIO, options: Mapping[str, JSONValue], extension: str) -> Whole:
    """Return what writes a whole file in the form that the options ask for.

    Args:
        stream: takes the bytes.
        options: of the format; ``compress`` is ``none``, ``gzip`` or ``zip``.
        extension: of the file's own format.
    """
    match options.get("compress"):
        case "gzip":
            return _Gzip(stream)
        case "zip":
            return _Zip(stream, f"export.{extension}")
        case _:
            return _Plain(stream)


def segment_file(stream: BinaryIO, options: Mapping[str, JSONValue]) -> Part:
    """Return what writes a segment in the form that the options ask for."""
    return _PackedPart(stream) if is_packed(options) else _PlainPart(stream)


def is_packed(options: Mapping[str, JSONValue]) -> bool:
    """Whether the options ask for a compressed file."""
    return options.get("compress") in ("gzip", "zip")


def packed_type(options: Mapping[str, JSONValue], content_type: str, extension: str) -> tuple[str, str]:
    """Return the media type and the extension of a file in the form that the options ask for."""
    match options.get("compress"):
        case "gzip":
            return "application/gzip", f"{extension}.gz"
        case "zip":
            return "application/zip", "zip"
        case _:
            return content_type, extension


class _Plain:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.write = stream.write

    def take_over(self, segment: KeptSegment) -> None:
        shutil.copyfileobj(segment.stream, self._stream, _COPY_BYTES)

    def close(self) -> None:
        """All is written already."""


class _Gzip:
    """One member of gzip, whose deflate stream is made of pieces."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._whole = Piece()
        self._packer: Packer | None = None
        stream.write(_GZIP_HEAD)

    def write(self, data: bytes) -> None:
        if self._packer is None:
            self._packer = Packer(self._stream.write)
        self._packer.add(data)

    def take_over(self, segment: KeptSegment) -> None:
        self._end_piece(last=False)
        shutil.copyfileobj(segment.stream, self._stream, _COPY_BYTES)
        self._whole = self._whole.followed_by(_piece(segment))

    def close(self) -> None:
        self.write(b"")
        self._end_piece(last=True)
        self._stream.write(struct.pack("<II", self._whole.crc, self._whole.size & 0xFFFFFFFF))

    def _end_piece(self, *, last: bool) -> None:
        if self._packer is not None:
            self._whole = self._whole.followed_by(self._packer.close(last=last))
            self._packer = None


class _Zip:
    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._zip = ZipWriter(stream)
        self._zip.start(name)
        self.write = self._zip.write

    def take_over(self, segment: KeptSegment) -> None:
        self._zip.take_over(segment.stream, _piece(segment))

    def close(self) -> None:
        self._zip.end()
        self._zip.close()


class _PlainPart:
    def __init__(self, stream: BinaryIO) -> None:
        self.write = stream.write

    def close(self) -> JSONObject:
        return {}


class _PackedPart:
    def __init__(self, stream: BinaryIO) -> None:
        self._packer = Packer(stream.write)
        self.write = self._packer.add

    def close(self) -> JSONObject:
        return asdict(self._packer.close())


def _piece(segment: KeptSegment) -> Piece:
    facts: Any = segment.facts
    return Piece(facts["packed"], facts["size"], facts["crc"])
