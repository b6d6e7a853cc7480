"""Unpacking a package that passed the gate, and looking the unpacked files over at each start of a process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gridkit_django.marketplace.packaging.contents import dist_info_of
from gridkit_django.marketplace.packaging.gate import InspectedPackage, inspect_package
from gridkit_django.marketplace.packaging.record import check_content, check_names, parse_record, write_record
from gridkit_django.marketplace.packaging.rules import STANDARD, GatePolicy, Rule, refuse
from gridkit_django.plugins.unpacked_files import regular_files

_MODE = 0o644


def unpack_package(
    content: bytes, folder: Path, *, filename: str = "", policy: GatePolicy = STANDARD
) -> InspectedPackage:
    """Judge a package and write its files into a folder.

    Args:
        content: the wheel file.
        folder: where to; made here, so that nothing of another package lies in it.
        filename: see ``inspect_package``.
        policy: the limits.

    Raises:
        PackageRefusedError: see ``inspect_package``.
        FileExistsError: when the folder is there already.
        OSError: when the files can't be written; the folder is not whole then.
    """
    package = inspect_package(content, filename=filename, policy=policy)
    folder.mkdir(parents=True)
    for name, raw in package.files.items():
        _write(folder / package.import_package / name, raw)
    for name, raw in package.dist_info.items():
        _write(folder / name, raw)
    return package


def check_unpacked(folder: Path, record: bytes) -> None:
    """Hold unpacked files to their RECORD: each there and unchanged, and none beside them.

    Args:
        folder: where the package was unpacked.
        record: ``InspectedPackage.record``, or what ``record_of`` gave after bytecode was added, kept elsewhere than in
            the folder.

    Raises:
        PackageRefusedError: names the file.
    """
    lines = parse_record(record)
    found = dict(_walk(folder))
    own = f"{dist_info_of(lines)}/RECORD"
    check_names(lines, found, own)
    for name, path in found.items():
        if name != own:
            check_content(lines, name, _read(path, name))


def record_of(folder: Path) -> bytes:
    """Return the RECORD of all files that lie in a folder now, bytecode too; keep it elsewhere than in the folder.

    Raises:
        PackageRefusedError: when something in the folder is no regular file.
    """
    found = dict(sorted(_walk(folder)))
    own = f"{dist_info_of(found)}/RECORD"
    return write_record({name: _read(path, name) for name, path in found.items() if name != own}, own)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
        file.write(content)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    try:
        yield from regular_files(folder)
    except OSError as error:
        refuse(Rule.RECORD_ABSENT, f"The folder of the package can't be read: {error.strerror}.")


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        refuse(Rule.RECORD_ABSENT, f"{name!r} can't be read: {error.strerror}.", name)
