"""The gate's look at unpacked files: regular files only, each as it was packed, and none beside them.

It is the rule of the gate for RECORD, held to what is kept of the package: a process does so before it runs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from gridkit_django.exceptions import PackageRefusedError


def read_regular(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by name, with ``/`` between folders.

    Raises:
        PackageRefusedError: for a link, or what is no regular file.
        OSError: when it can't be read.
    """
    return {name: path.read_bytes() for name, path in regular_files(folder)}


def regular_files(folder: Path, prefix: str = "") -> Iterator[tuple[str, Path]]:
    """Yield name and path of each file below a folder.

    Args:
        folder: where to look.
        prefix: stands before each name.

    Raises:
        PackageRefusedError: for a link, or what is no regular file.
        OSError: when a folder can't be read.
    """
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = f"{prefix}{entry.name}"
        if entry.is_symlink():
            raise PackageRefusedError(
                f"{name!r} is a link. A package holds its own files.", rule="package-link", entry=name
            )
        if entry.is_dir(follow_symlinks=False):
            yield from regular_files(Path(entry.path), f"{name}/")
        elif entry.is_file(follow_symlinks=False):
            yield name, Path(entry.path)
        else:
            raise PackageRefusedError(f"{name!r} is no regular file.", rule="package-entry-kind", entry=name)


def check_against(found: Mapping[str, bytes], packed: Mapping[str, bytes]) -> None:
    """Hold unpacked files to those of the package.

    Args:
        found: what is unpacked.
        packed: the files of the package.

    Raises:
        PackageRefusedError: names the first file that is changed, missing, or of nobody's.
    """
    for name in sorted(found.keys() | packed.keys()):
        if name not in packed:
            raise PackageRefusedError(
                f"{name!r} is not a file of the package.", rule="package-record-unlisted", entry=name
            )
        if name not in found:
            raise PackageRefusedError(
                f"{name!r} of the package is not there.", rule="package-record-absent", entry=name
            )
        if found[name] != packed[name]:
            raise PackageRefusedError(
                f"{name!r} is not the file that was packed.", rule="package-record-hash", entry=name
            )
