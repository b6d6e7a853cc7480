"""The content of an archive's entries, held to what the entry claimed."""

from __future__ import annotations

import zlib

from gridkit_django.marketplace.packaging.rules import Rule, refuse
from gridkit_django.marketplace.packaging.ziplayout import Entry


def content_of(archive: bytes, entry: Entry) -> bytes:
    """Return a file's content. No more memory is used than the entry claimed, and the gate has judged the claim.

    Raises:
        PackageRefusedError: when length or checksum are others, or the compressed bytes are broken.
    """
    raw = archive[entry.start : entry.start + entry.stored]
    content = _inflated(raw, entry) if entry.deflated else raw
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        refuse(Rule.CONTENT, f"{entry.name!r} has another length or checksum than the archive says.", entry.name)
    return content


def _inflated(raw: bytes, entry: Entry) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = stream.decompress(raw, entry.size + 1)
        if not stream.eof:  # the mark of the end may still be in front of us, with nothing more to come out
            content += stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        refuse(Rule.CONTENT, f"The compressed bytes of {entry.name!r} are broken: {error}.", entry.name)
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        refuse(Rule.CONTENT, f"{entry.name!r} holds more or less than the archive says.", entry.name)
    return content
