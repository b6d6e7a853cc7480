"""The files of a plugin as one frozen set: read once, so that digest, manifest and code are of the same moment.

A set comes from a folder or from a zip archive that we made ourselves. An archive is opened in memory and never
unpacked to disk; what comes out of it counts only when its digest is the one that was asked for.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from types import CodeType, MappingProxyType
from typing import cast

from gridkit_django.exceptions import PluginLoadError

FILES_MAX = 2000
BYTES_MAX = 50_000_000
_SKIPPED = frozenset({"__pycache__", "node_modules"})
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BROKEN_ARCHIVE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class PluginFiles:
    """All files that belong to one version of a plugin.

    Attributes:
        label: a name of the plugin for error texts.
        where: what stands before the name of each file in ``__file__`` and in tracebacks.
        contents: the files by name, with ``/`` between folders.
        digest: digest over all names and contents.
        root: opens the top folder, for data files that the plugin reads while it runs.
        codes: the Python files compiled already, by name; None when they are not.
    """

    label: str
    where: str
    contents: Mapping[str, bytes] = field(repr=False)
    digest: str
    root: Callable[[], Traversable] = field(repr=False, compare=False)
    codes: Mapping[str, CodeType] | None = field(default=None, repr=False, compare=False)


def read_folder(folder: Path) -> PluginFiles:
    """Read a plugin's folder: no hidden files, no caches; links are refused, because they lead elsewhere.

    Raises:
        PluginLoadError: when the folder can't be read or holds more than a plugin may.
    """
    contents = {path.relative_to(folder).as_posix(): _read(path) for path in list_files(folder)}
    return PluginFiles(
        folder.name, str(folder), MappingProxyType(contents), digest_of(contents), lambda: cast("Traversable", folder)
    )


def content_digest(folder: Path) -> str:
    """Return a digest over names and contents of all files that belong to the plugin in ``folder``.

    Raises:
        PluginLoadError: when the folder can't be read or holds more than a plugin may.
    """
    return read_folder(folder).digest


def digest_of(contents: Mapping[str, bytes]) -> str:
    """Return the digest over names and contents, whatever their order."""
    digest = hashlib.sha256()
    for name in sorted(contents, key=lambda name: PurePosixPath(name).parts):
        raw, content = name.encode(), contents[name]
        digest.update(b"%d:%s:%d:" % (len(raw), raw, len(content)))
        digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def write_archive(files: PluginFiles) -> bytes:
    """Return the files as a zip archive; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.contents.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read_archive(content: bytes, digest: str, label: str) -> PluginFiles:
    """Open an archive in memory.

    Args:
        content: the archive.
        digest: the digest that its files must have.
        label: a name of the plugin for error texts.

    Raises:
        PluginLoadError: when it is broken, holds more than a plugin may, or other files than the digest says.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            contents = _extracted(archive, label)
    except _BROKEN_ARCHIVE as error:
        raise PluginLoadError(f"The kept files of {label} can't be read: {type(error).__name__}: {error}.") from error
    if digest_of(contents) != digest:
        raise PluginLoadError(f"The kept files of {label} are not those that were kept: their digest is another one.")
    where = f"{label}@{digest.removeprefix('sha256:')[:12]}"
    return PluginFiles(label, where, MappingProxyType(contents), digest, lambda: _root_of(content))


def _root_of(content: bytes) -> Traversable:
    return cast("Traversable", zipfile.Path(zipfile.ZipFile(io.BytesIO(content))))


def _extracted(archive: zipfile.ZipFile, label: str) -> dict[str, bytes]:
    """Read all entries, refusing by what they claim first and by what comes out second."""
    entries = archive.infolist()
    if len(entries) > FILES_MAX or sum(entry.file_size for entry in entries) > BYTES_MAX:
        raise PluginLoadError(_too_large(label))
    contents: dict[str, bytes] = {}
    for entry in entries:
        with archive.open(entry) as stream:
            contents[entry.filename] = stream.read(entry.file_size + 1)
    return contents


def _too_large(label: str) -> str:
    return f"{label} is larger than {FILES_MAX} files or {BYTES_MAX // 1_000_000} MB."


def list_files(folder: Path) -> list[Path]:
    """Return the files that belong to the plugin in a folder, sorted; see ``read_folder``."""
    found: list[Path] = []
    size = 0
    for path in _walk(folder):
        if path.is_symlink():
            raise PluginLoadError(
                f"{path.relative_to(folder)} in {folder.name} is a link. A plugin holds its own files."
            )
        size += _size(path)
        found.append(path)
        if len(found) > FILES_MAX or size > BYTES_MAX:
            raise PluginLoadError(_too_large(folder.name))
    return sorted(found)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_unreadable):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = [
            name for name in folders if name not in _SKIPPED and not name.startswith(".") and name not in links
        ]
        yield from (Path(parent, name) for name in (*names, *links) if not name.startswith("."))


def _unreadable(error: OSError) -> None:
    raise PluginLoadError(f"The plugin's folder can't be read: {error.strerror}.") from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise PluginLoadError(f"{path.name} can't be read: {error.strerror}.") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PluginLoadError(f"{path.name} can't be read: {error.strerror}.") from error
