"""Compressed pieces that can be made apart from each other and put together without being unpacked.

A piece of raw deflate (RFC 1951) that ends with a full flush ends at a whole byte, and what follows looks back to
nothing in it, so pieces in a row are one stream. Only the checksum of the whole must be computed from theirs.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_LEVEL = 1
"""zlib's quickest: a fifth more bytes than its usual level, for half of the time."""

_POLYNOMIAL = 0xEDB88320


@dataclass(frozen=True, slots=True)
class Piece:
    """What must be known of a compressed piece.

    Attributes:
        packed: bytes as compressed.
        size: bytes as they were.
        crc: their CRC-32.
    """

    packed: int = 0
    size: int = 0
    crc: int = 0

    def followed_by(self, other: Piece) -> Piece:
        """Return what must be known of both in a row."""
        crc = joined_crc(self.crc, other.crc, other.size)
        return Piece(self.packed + other.packed, self.size + other.size, crc)


class Packer:
    """Compresses one piece.

    Args:
        write: takes the compressed bytes.
    """

    def __init__(self, write: Callable[[bytes], Any]) -> None:
        self._write = write
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._packed = 0
        self._size = 0
        self._crc = 0

    def add(self, data: bytes) -> None:
        """Compress some more."""
        self._size += len(data)
        self._crc = zlib.crc32(data, self._crc)
        self._put(self._packer.compress(data))

    def close(self, *, last: bool = False) -> Piece:
        """End the piece; after the last one no other can follow."""
        self._put(self._packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH))
        return Piece(self._packed, self._size, self._crc)

    def _put(self, packed: bytes) -> None:
        self._packed += len(packed)
        if packed:
            self._write(packed)


def packed(data: bytes) -> tuple[bytes, Piece]:
    """Compress a piece that is small enough to be held, and say what it is."""
    held: list[bytes] = []
    packer = Packer(held.append)
    packer.add(data)
    piece = packer.close()
    return b"".join(held), piece


def unpacked(data: bytes) -> bytes:
    """Return what a piece held."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data)


def joined_crc(first: int, second: int, size: int) -> int:
    """Return the CRC-32 of two texts in a row out of the CRC-32 of each.

    Shifting the first one over ``size`` zero bytes is a linear map of its bits; its powers of two are squared up, as
    zlib's ``crc32_combine`` does it.

    Args:
        first: of the first text.
        second: of the second text.
        size: bytes of the second text.
    """
    power = 3
    while size:
        if size & 1:
            first = _applied(_zeros(power), first)
        size >>= 1
        power += 1
    return first ^ second


@functools.cache
def _zeros(power: int) -> tuple[int, ...]:
    """Return the map that shifts a checksum over ``2 ** power`` zero bits, as its 32 columns."""
    if power == 0:
        return (_POLYNOMIAL, *(1 << bit for bit in range(31)))
    half = _zeros(power - 1)
    return tuple(_applied(half, column) for column in half)


def _applied(columns: tuple[int, ...], bits: int) -> int:
    found = 0
    for column in columns:
        if bits & 1:
            found ^= column
        bits >>= 1
        if not bits:
            break
    return found
