"""The layout of a zip archive, read strictly: every byte belongs to exactly one entry, and all headers agree.

Readers of zip archives differ in what they take from an archive that contradicts itself: one believes the central
directory, another the headers in front of the files. So an archive is refused unless there is only one way to read it.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gridkit_django.marketplace.packaging.rules import GatePolicy, Rule, refuse

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_DESCRIPTOR = struct.Struct("<3L")
_END_MARK, _CENTRAL_MARK, _LOCAL_MARK, _DESCRIPTOR_MARK = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"PK\x07\x08"
_END_SEARCHED = 65_557
_STREAMED, _UTF8, _STRENGTH = 0x08, 0x800, 0x06
_STORED, _DEFLATED = 0, 8
_VERSION_MAX = 63
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive.

    Attributes:
        name: its path inside the archive.
        size: its length in bytes.
        crc: CRC-32 of its content.
        deflated: whether it is compressed.
        start: where its (compressed) bytes begin in the archive.
        stored: how many they are.
    """

    name: str
    size: int
    crc: int
    deflated: bool
    start: int
    stored: int


@dataclass(frozen=True, slots=True)
class _Listed:
    """One line of the central directory."""

    raw_name: bytes
    name: str
    flags: int
    method: int
    crc: int
    stored: int
    size: int
    offset: int


def read_layout(content: bytes, policy: GatePolicy) -> tuple[Entry, ...]:
    """Return the entries of an archive, in the order of the archive; reads no file's content.

    Raises:
        PackageRefusedError: when the archive is over a limit, broken, or can be read in more than one way.
    """
    if len(content) > policy.total_bytes:
        refuse(Rule.TOO_LARGE, f"The archive has {len(content)} bytes; {policy.total_bytes} is the most.")
    count, start, end = _directory(content)
    if count > policy.entries:
        refuse(Rule.ENTRIES, f"The archive lists {count} files; {policy.entries} is the most.")
    listed = sorted(_listed(content, count, start, end), key=lambda item: item.offset)
    _check_sizes(listed, len(content), policy)
    borders = [item.offset for item in listed] + [start]
    if borders[0] != 0:
        refuse(Rule.LAYOUT, f"The first file begins at byte {borders[0]}, not at the beginning of the archive.")
    return tuple(_entry(content, item, after) for item, after in zip(listed, borders[1:], strict=True))


def _directory(content: bytes) -> tuple[int, int, int]:
    """Return how many files the directory lists, where it begins and where it ends."""
    place = content.rfind(_END_MARK, max(0, len(content) - _END_SEARCHED))
    if place < 0 or place + _END.size > len(content):
        refuse(Rule.ARCHIVE, "This is no complete zip archive: the end of the directory is missing.")
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(content, place)
    if comment or place + _END.size != len(content):
        refuse(Rule.TRAILING, "There is data behind the directory of the archive. Build the package anew.")
    if disk or first_disk or here != count or count == 0xFFFF or 0xFFFFFFFF in (size, start):
        refuse(Rule.LAYOUT, "The archive is split or of the 64-bit kind. A package is one plain zip archive.")
    if not count or start + size != place:
        refuse(Rule.LAYOUT, "The directory of the archive is not where the archive says, or it is empty.")
    return count, start, place


def _listed(content: bytes, count: int, start: int, end: int) -> Iterator[_Listed]:
    place = start
    for _ in range(count):
        if place + _CENTRAL.size > end or content[place : place + 4] != _CENTRAL_MARK:
            refuse(Rule.LAYOUT, f"The directory of the archive is broken after {place - start} bytes.")
        fields = _CENTRAL.unpack_from(content, place)
        _, _, needed, flags, method, _, _, crc, stored, size, name_size, extra, comment, disk, _, mode, offset = fields
        place += _CENTRAL.size
        raw = content[place : place + name_size]
        place += name_size + extra + comment
        if place > end:
            refuse(Rule.LAYOUT, "The directory of the archive is longer than the archive says.")
        name = _decoded(raw, flags)
        _check_listed(name, flags, method, needed, extra or comment or disk)
        _check_kind(name, mode >> 16)
        yield _Listed(raw, name, flags, method, crc, stored, size, offset)
    if place != end:
        refuse(Rule.LAYOUT, f"The directory of the archive holds {end - place} bytes that belong to no file.")


def _decoded(raw: bytes, flags: int) -> str:
    try:
        return raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        shown = raw.decode("ascii", "backslashreplace")
        refuse(Rule.NAME, f"The name {shown!r} is neither ASCII nor marked as UTF-8.", shown)


def _check_listed(name: str, flags: int, method: int, needed: int, more: int) -> None:
    if more:
        refuse(Rule.HEADERS, f"{name!r} carries an extra field, a comment or a disk number; none is needed.", name)
    if flags & ~(_STREAMED | _UTF8 | _STRENGTH) or needed > _VERSION_MAX:
        refuse(Rule.COMPRESSION, f"{name!r} is encrypted, patched or of another version (flags {flags:#x}).", name)
    if method not in (_STORED, _DEFLATED):
        refuse(Rule.COMPRESSION, f"{name!r} is compressed by method {method}; only deflate is understood.", name)


def _check_kind(name: str, mode: int) -> None:
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        refuse(Rule.LINK, f"{name!r} is a link. A package holds its own files.", name)
    if name.endswith("/") or kind not in (0, stat.S_IFREG) or mode & _SPECIAL_BITS:
        refuse(Rule.KIND, f"{name!r} is no regular file (a folder, a device, or with special rights).", name)


def _check_sizes(listed: list[_Listed], archive: int, policy: GatePolicy) -> None:
    """Judge by what the entries claim; what comes out is held to it later."""
    for item in listed:
        if item.size > policy.file_bytes:
            refuse(
                Rule.FILE_TOO_LARGE, f"{item.name!r} has {item.size} bytes; {policy.file_bytes} is the most.", item.name
            )
    total = sum(item.size for item in listed)
    if total > policy.total_bytes:
        refuse(Rule.TOO_LARGE, f"The files have {total} bytes together; {policy.total_bytes} is the most.")
    if total > policy.ratio * archive:
        refuse(
            Rule.RATIO, f"The files are {total // archive} times larger than the archive; {policy.ratio} is the most."
        )


def _entry(content: bytes, item: _Listed, after: int) -> Entry:
    """Check what stands in front of and behind a file's bytes; ``after`` is where the next thing begins."""
    name, place = item.name, item.offset
    if place + _LOCAL.size > after or content[place : place + 4] != _LOCAL_MARK:
        refuse(Rule.LAYOUT, f"{name!r} is not where the directory says, or shares bytes with another file.", name)
    _, needed, flags, method, _, _, crc, stored, size, name_size, extra = _LOCAL.unpack_from(content, place)
    start = place + _LOCAL.size + name_size
    if content[place + _LOCAL.size : start] != item.raw_name or extra or needed > _VERSION_MAX:
        refuse(Rule.HEADERS, f"The header in front of {name!r} names another file, or carries more than a name.", name)
    said, listed = (crc, stored, size), (item.crc, item.stored, item.size)
    streamed = bool(flags & _STREAMED)
    if (flags, method) != (item.flags, item.method) or not (said == listed or (streamed and said == (0, 0, 0))):
        refuse(Rule.HEADERS, f"The header in front of {name!r} contradicts the directory of the archive.", name)
    _check_behind(content, item, start + item.stored, after)
    if not item.method and item.stored != item.size:
        refuse(Rule.HEADERS, f"{name!r} is not compressed, yet has two lengths.", name)
    return Entry(name, item.size, item.crc, item.method == _DEFLATED, start, item.stored)


def _check_behind(content: bytes, item: _Listed, end: int, after: int) -> None:
    """Between a file's bytes and what follows there is nothing, or a data descriptor that says the truth."""
    behind = content[end:after] if end <= after else None
    if not item.flags & _STREAMED:
        if behind != b"":
            refuse(Rule.LAYOUT, f"There are bytes between {item.name!r} and what follows, or they overlap.", item.name)
        return
    true = _DESCRIPTOR.pack(item.crc, item.stored, item.size)
    if behind not in (true, _DESCRIPTOR_MARK + true):
        refuse(Rule.DESCRIPTOR, f"The data descriptor behind {item.name!r} lies or is missing.", item.name)
