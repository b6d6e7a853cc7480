"""RECORD: the list of a wheel's files with their hashes, held to the files in both directions."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable, Mapping

from gridkit_django.marketplace.packaging.rules import Rule, refuse

_HASHES = frozenset({"sha256", "sha384", "sha512"})

Lines = Mapping[str, tuple[str, str]]
"""Each file to its hash and its length, as RECORD writes them."""


def parse_record(raw: bytes) -> Lines:
    """Return what a RECORD lists.

    Raises:
        PackageRefusedError: when it can't be read, or lists a file twice.
    """
    lines: dict[str, tuple[str, str]] = {}
    try:
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        refuse(Rule.RECORD, f"RECORD can't be read: {error}.")
    for row in rows:
        if len(row) != 3:
            refuse(Rule.RECORD, f"A line of RECORD has {len(row)} fields; it has a path, a hash and a length.")
        path, digest, size = row
        if path in lines:
            refuse(Rule.RECORD, f"RECORD lists {path!r} twice.", path)
        lines[path] = (digest, size)
    return lines


def check_names(lines: Lines, names: Iterable[str], own: str) -> None:
    """Refuse a file that RECORD does not list, and a line that has no file.

    Args:
        lines: what RECORD lists.
        names: the files that there are.
        own: the path of RECORD itself, which stands there without hash and length.

    Raises:
        PackageRefusedError: names the file.
    """
    there = set(names)
    for name in sorted(there - lines.keys()):
        refuse(Rule.RECORD_UNLISTED, f"RECORD does not list {name!r}. Build the package anew.", name)
    for name in sorted(lines.keys() - there):
        refuse(Rule.RECORD_ABSENT, f"RECORD lists {name!r}, which is not there.", name)
    if lines[own] != ("", ""):
        refuse(Rule.RECORD, "RECORD gives a hash or a length of itself.", own)


def check_content(lines: Lines, name: str, content: bytes) -> None:
    """Refuse a file whose hash or length is not what RECORD says.

    Raises:
        PackageRefusedError: names the file.
    """
    said, size = lines[name]
    algorithm, _, value = said.partition("=")
    if algorithm not in _HASHES:
        refuse(Rule.RECORD, f"RECORD has no hash of {name!r} that counts ({', '.join(sorted(_HASHES))}).", name)
    if size != str(len(content)) or value != _encoded(hashlib.new(algorithm, content).digest()):
        refuse(Rule.RECORD_HASH, f"{name!r} is not the file whose hash and length RECORD gives.", name)


def write_record(files: Mapping[str, bytes], own: str) -> bytes:
    """Return the RECORD of some files.

    Args:
        files: the files by path, without RECORD.
        own: the path of RECORD.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for name, content in files.items():
        writer.writerow((name, f"sha256={_encoded(hashlib.sha256(content).digest())}", len(content)))
    writer.writerow((own, "", ""))
    return text.getvalue().encode()


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
