"""A zip file whose members are made of compressed pieces (APPNOTE 6.3.9), written from front to back.

Python's own ``zipfile`` compresses what it is given, and so can't take over what is compressed already.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from gridkit_plugins.export.exporters.deflating import Packer, Piece

_COPY_BYTES = 1 << 20
_LIMIT = 0xFFFFFFFF
"""Numbers from here on stand in the fields of ZIP64."""
_ELSEWHERE = 0xFFFFFFFF
"""Says that a number stands in a field of ZIP64."""
_DOS_DATE = 0x0021
"""1 January 1980: the same rows make the same bytes."""

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_ROOM = struct.pack("<HHHH", 0xA220, 16, 0xA028, 0) + bytes(12)
"""Room for the sizes of a huge member, marked as Open Packaging marks it (ISO 29500-2, "growth hint")."""


@dataclass(frozen=True, slots=True)
class _Member:
    name: bytes
    offset: int
    whole: Piece

    @property
    def huge(self) -> bool:
        return max(self.whole.packed, self.whole.size) >= _LIMIT


class ZipWriter:
    """Writes a zip file; only one member is open at a time.

    Args:
        stream: a binary file that can seek, at its start.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._members: list[_Member] = []
        self._name = b""
        self._offset = 0
        self._whole = Piece()
        self._packer: Packer | None = None

    def add(self, name: str, data: bytes) -> None:
        """Add a whole member."""
        self.start(name)
        self.write(data)
        self.end()

    def start(self, name: str) -> None:
        """Open a member; how large it is, is filled in when it ends."""
        self._name = name.encode()
        self._offset = self._stream.tell()
        self._whole = Piece()
        self._stream.write(self._local(Piece()))

    def write(self, data: bytes) -> None:
        """Compress some more of the open member."""
        if self._packer is None:
            self._packer = Packer(self._stream.write)
        self._packer.add(data)

    def take_over(self, source: BinaryIO, piece: Piece) -> None:
        """Copy a piece that is compressed already.

        Raises:
            EOFError: when the source ends before the piece does.
        """
        self._close_piece(last=False)
        left = piece.packed
        while left:
            data = source.read(min(left, _COPY_BYTES))
            if not data:
                raise EOFError(f"A kept segment lacks its last {left} bytes.")
            self._stream.write(data)
            left -= len(data)
        self._whole = self._whole.followed_by(piece)

    def end(self) -> None:
        """Close the open member."""
        self.write(b"")
        self._close_piece(last=True)
        self._members.append(_Member(self._name, self._offset, self._whole))
        end = self._stream.tell()
        self._stream.seek(self._offset)
        self._stream.write(self._local(self._whole))
        self._stream.seek(end)

    def close(self) -> None:
        """Write the list of members."""
        start = self._stream.tell()
        for member in self._members:
            self._stream.write(_central(member))
        size = self._stream.tell() - start
        count = len(self._members)
        if start + size >= _LIMIT:
            end = start + size
            self._stream.write(_END64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start))
            self._stream.write(_LOCATOR64.pack(b"PK\x06\x07", 0, end, 1))
            start = size = _ELSEWHERE
        self._stream.write(_END.pack(b"PK\x05\x06", 0, 0, count, count, size, start, 0))

    def _close_piece(self, *, last: bool) -> None:
        if self._packer is not None:
            self._whole = self._whole.followed_by(self._packer.close(last=last))
            self._packer = None

    def _local(self, whole: Piece) -> bytes:
        huge = max(whole.packed, whole.size) >= _LIMIT
        sizes = (_ELSEWHERE, _ELSEWHERE) if huge else (whole.packed, whole.size)
        extra = struct.pack("<HHQQ", 1, 16, whole.size, whole.packed) if huge else _ROOM
        version = 45 if huge else 20
        head = _LOCAL.pack(
            b"PK\x03\x04", version, 0x800, 8, 0, _DOS_DATE, whole.crc, *sizes, len(self._name), len(extra)
        )
        return head + self._name + extra


def _central(member: _Member) -> bytes:
    whole = member.whole
    far = member.offset >= _LIMIT
    large = [whole.size, whole.packed] if member.huge else []
    large += [member.offset] if far else []
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    sizes = (_ELSEWHERE, _ELSEWHERE) if member.huge else (whole.packed, whole.size)
    version = 45 if large else 20
    head = _CENTRAL.pack(
        b"PK\x01\x02", version, version, 0x800, 8, 0, _DOS_DATE, whole.crc, *sizes,
        len(member.name), len(extra), 0, 0, 0, 0, _ELSEWHERE if far else member.offset,
    )  # fmt: skip
    return head + member.name + extra
