"""Wheels for tests: right ones, and hostile ones made byte by byte."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

DIST_INFO = "acme_colours-1.0.0.dist-info"
PACKAGE = "acme_colours"
FILENAME = "acme_colours-1.0.0-py3-none-any.whl"
MANIFEST = """\
id = "@acme/colours"
name = "Colours"
version = "{version}"
author = "Acme"
description = "Paints rows."
category = "ui"
license = "MIT"
core_version = ">=0.1,<2"
required_permissions = ["events:subscribe"]
entry = "plugin:ColoursPlugin"
"""
CODE = """\
from gridkit_django.plugins import Plugin


class ColoursPlugin(Plugin):
    pass
"""


def metadata(name: str = "acme-colours", version: str = "1.0.0", more: str = "") -> str:
    """Return a METADATA file."""
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{more}\n# Colours\n"


def wheel_file(tag: str = "py3-none-any", pure: str = "true") -> str:
    """Return a WHEEL file."""
    return f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"


def files(version: str = "1.0.0") -> dict[str, bytes]:
    """Return the files of a good package, without RECORD."""
    info = DIST_INFO.replace("1.0.0", version)
    texts = {
        f"{PACKAGE}/__init__.py": "",
        f"{PACKAGE}/plugin.py": CODE,
        f"{PACKAGE}/plugin.toml": MANIFEST.format(version=version),
        f"{PACKAGE}/config_schema.json": '{"type": "object", "properties": {}}',
        f"{PACKAGE}/CHANGELOG.md": "# Changes\n",
        f"{info}/METADATA": metadata(version=version),
        f"{info}/WHEEL": wheel_file(),
        f"{info}/entry_points.txt": f"[gridkit.plugins]\ncolours = {PACKAGE}.plugin:ColoursPlugin\n",
    }
    return {name: text.encode() for name, text in texts.items()}


def record(contents: Mapping[str, bytes], own: str = f"{DIST_INFO}/RECORD") -> bytes:
    """Return the RECORD of some files."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for name, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        writer.writerow([name, f"sha256={digest}", len(content)])
    writer.writerow([own, "", ""])
    return text.getvalue().encode()


@dataclass(frozen=True)
class Item:
    """One entry of an archive, each header open to lies."""

    name: bytes
    content: bytes = b""
    deflate: bool = True
    flags: int = 0
    mode: int = 0o100644
    size: int | None = None
    crc: int | None = None
    method: int | None = None
    local_name: bytes | None = None
    local_size: int | None = None
    local_crc: int | None = None
    local_stored: int | None = None
    local_extra: bytes = b""
    extra: bytes = b""
    comment: bytes = b""
    descriptor: bytes = b""
    behind: bytes = b""
    offset: int | None = None
    raw: bytes | None = None

    @property
    def stored(self) -> bytes:
        """The bytes that lie in the archive."""
        if self.raw is not None:
            return self.raw
        if not self.deflate:
            return self.content
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(self.content) + packer.flush()

    def headers(self) -> tuple[int, int, int, int]:
        """Return method, checksum, stored and true length, as the directory says them."""
        method = (8 if self.deflate else 0) if self.method is None else self.method
        crc = zlib.crc32(self.content) if self.crc is None else self.crc
        return method, crc, len(self.stored), len(self.content) if self.size is None else self.size

    def local(self) -> bytes:
        """Return the header in front of the file, the file, and what lies behind it."""
        method, crc, stored, size = self.headers()
        name = self.name if self.local_name is None else self.local_name
        crc = crc if self.local_crc is None else self.local_crc
        size = size if self.local_size is None else self.local_size
        stored = stored if self.local_stored is None else self.local_stored
        head = struct.pack(
            "<4s5H3L2H",
            b"PK\x03\x04",
            20,
            self.flags,
            method,
            0,
            33,
            crc,
            stored,
            size,
            len(name),
            len(self.local_extra),
        )
        return head + name + self.local_extra + self.stored + self.descriptor + self.behind

    def central(self, offset: int) -> bytes:
        """Return the line of the directory."""
        method, crc, stored, size = self.headers()
        place = offset if self.offset is None else self.offset
        head = struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 0x314, 20, self.flags, method, 0, 33, crc, stored, size, len(self.name),
            len(self.extra), len(self.comment), 0, 0, self.mode << 16, place,
        )  # fmt: skip
        return head + self.name + self.extra + self.comment


@dataclass(frozen=True)
class Archive:
    """A whole archive, its end open to lies too."""

    items: tuple[Item, ...]
    before: bytes = b""
    behind: bytes = b""
    comment: bytes = b""
    end: Mapping[str, int] = field(default_factory=dict)
    directory: bytes = b""

    def build(self) -> bytes:
        """Return the bytes."""
        body, central = self.before, b""
        for item in self.items:
            central += item.central(len(body))
            body += item.local()
        central += self.directory
        said = {"disk": 0, "here": len(self.items), "count": len(self.items), "size": len(central), "start": len(body)}
        said |= self.end
        end = struct.pack(
            "<4s4H2LH", b"PK\x05\x06", said["disk"], 0, said["here"], said["count"], said["size"], said["start"],
            len(self.comment),
        )  # fmt: skip
        return body + central + end + self.comment + self.behind


def items_of(contents: Mapping[str, bytes]) -> tuple[Item, ...]:
    """Return honest entries."""
    return tuple(
        Item(name.encode(), content, flags=0 if name.isascii() else 0x800) for name, content in contents.items()
    )


def with_record(contents: Mapping[str, bytes], own: str = f"{DIST_INFO}/RECORD") -> dict[str, bytes]:
    """Return the files and their RECORD."""
    return {**contents, own: record(contents, own)}


def wheel(changes: Mapping[str, bytes | None] | None = None, *, version: str = "1.0.0") -> bytes:
    """Return a wheel with some files changed, added or (None) left out, and a RECORD that agrees."""
    contents = {**files(version), **(changes or {})}
    own = f"{DIST_INFO.replace('1.0.0', version)}/RECORD"
    return Archive(items_of(with_record({name: raw for name, raw in contents.items() if raw is not None}, own))).build()


def changed(name: str, **headers: object) -> bytes:
    """Return a good wheel, one of whose entries lies."""
    items = items_of(with_record(files()))
    return Archive(
        tuple(replace(item, **headers) if item.name == name.encode() else item for item in items)  # type: ignore[arg-type]
    ).build()


def plus(extra: Iterable[Item]) -> bytes:
    """Return a good wheel whose RECORD lists some more entries, with these entries."""
    added = tuple(extra)
    listed = {**files(), **{item.name.decode("utf-8", "replace"): item.content for item in added}}
    items = items_of(with_record(listed))
    names = {item.name for item in added}
    return Archive((*(item for item in items if item.name not in names), *added)).build()
