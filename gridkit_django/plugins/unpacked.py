"""Kept plugins, unpacked on this host: fetched by digest, checked, compiled once, and checked again at each start.

The folder of a digest is whole or not there: it is written beside its place and renamed. One process of a host unpacks,
the others wait for its lock. What lies there counts only when its digest is the one that was asked for, so a changed
file is noticed at the next start and the folder is made anew. Compiled code is sealed with a key of the site, because
Python runs it without looking at the source.
"""

from __future__ import annotations

import hmac
import logging
import marshal
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType, MappingProxyType

from django.core.files import locks
from django.utils.crypto import salted_hmac

from gridkit_django.exceptions import PackageRefusedError, PluginLoadError
from gridkit_django.plugins.boot import record_folder
from gridkit_django.plugins.bundle import compile_files
from gridkit_django.plugins.files import PluginFiles, digest_of
from gridkit_django.plugins.packages import open_kept
from gridkit_django.plugins.unpacked_files import check_against, read_regular

logger = logging.getLogger("gridkit_django.plugins")

_SEAL_BYTES = 32


class UnpackedPackages:
    """The cache folder of this host.

    Attributes:
        refused: told the plugin and the refusal of unpacked files that are not those of their package.
    """

    def __init__(self) -> None:
        self.refused: Callable[[str, PackageRefusedError], None] | None = None
        self._refused = ""

    def open(self, digest: str, label: str) -> PluginFiles | None:
        """Return the files of a digest, unpacked and compiled; None when they are kept nowhere.

        Where nothing can be written on this host, they are read from where they are kept each time.

        Args:
            digest: of which content.
            label: a name of the plugin for error texts.

        Raises:
            PluginLoadError: when what is kept is broken or has another digest, or a file can't be compiled.
        """
        folder = self._folder()
        if folder is None:
            return open_kept(digest, label)
        place = folder / digest.removeprefix("sha256:")
        found = _read(place, digest, label)
        if found is None:
            with _locked(folder / f"{place.name}.lock"):
                found = _read(place, digest, label) or self._renew(place, digest, label)
        return found

    def _renew(self, place: Path, digest: str, label: str) -> PluginFiles | None:
        """Unpack, and tell what was wrong with what lay there."""
        kept = open_kept(digest, label)
        if kept is None:
            return None
        refusal = _fault_of(place, kept)
        if refusal is not None:
            logger.warning("The unpacked files of %s are made anew on this host: %s", label, refusal.detail)
            if self.refused is not None:
                self.refused(label, refusal)
        return _unpack(place, kept, label)

    def prune(self, keep: frozenset[str], *, younger_than: float = 0.0) -> int:
        """Remove what no version uses any more, and what an unpacking that was killed left behind.

        Args:
            keep: digests that stay.
            younger_than: seconds; what was changed since then stays, too: another process may be at it.

        Returns:
            How many folders.
        """
        folder = self._folder()
        if folder is None:
            return 0
        names = {digest.removeprefix("sha256:") for digest in keep}
        before = time.time() - younger_than
        folders = [item for item in folder.iterdir() if item.is_dir() and item.name not in names]
        gone = [item for item in folders if _is_older(item, before)]
        for item in gone:
            shutil.rmtree(item, ignore_errors=True)
        return len(gone)

    def _folder(self) -> Path | None:
        """Return the folder, made when needed; None when it is not ours alone, which is told once."""
        folder = record_folder() / "packages"
        reason = ""
        try:
            for part in (folder.parent, folder):
                part.mkdir(mode=0o700, parents=True, exist_ok=True)
                facts = part.lstat()
                if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
                    reason = f"{part} must be a folder that belongs to this user, with mode 0700"
        except OSError as error:
            reason = f"{folder}: {error.strerror}"
        if reason and reason != self._refused:
            logger.warning("Plugins are not unpacked on this host, so each start compiles them: %s", reason)
        self._refused = reason
        return None if reason else folder


def _is_older(item: Path, moment: float) -> bool:
    """Whether a folder was changed before a moment; one that another process has just removed was not."""
    try:
        return item.stat().st_mtime <= moment
    except FileNotFoundError:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        locks.lock(file, locks.LOCK_EX)
        try:
            yield
        finally:
            locks.unlock(file)


def _read(place: Path, digest: str, label: str) -> PluginFiles | None:
    """Return what is unpacked at a place, or None when that is not what its digest says."""
    files = place / "files"
    try:
        contents = read_regular(files)
    except (OSError, PackageRefusedError):
        return None
    if digest_of(contents) != digest:
        return None
    found = PluginFiles(label, str(files), MappingProxyType(contents), digest, lambda: files)
    return replace(found, codes=_read_codes(place, found))


def _fault_of(place: Path, kept: PluginFiles) -> PackageRefusedError | None:
    """Return by which rule of the gate what is unpacked is refused; None when nothing is, or it is whole by now."""
    if not place.exists():
        return None
    try:
        check_against(read_regular(place / "files"), kept.contents)
    except PackageRefusedError as error:
        return error
    except OSError as error:
        return PackageRefusedError(f"The folder can't be read: {error.strerror}.", rule="package-record-absent")
    return None


def _unpack(place: Path, kept: PluginFiles, label: str) -> PluginFiles:
    """Write beside the place, compile and rename."""
    _check_names(kept)
    shutil.rmtree(place, ignore_errors=True)
    for left in place.parent.glob(f".{place.name}.*"):  # of processes that were killed: the lock is ours
        shutil.rmtree(left, ignore_errors=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        for name, content in kept.contents.items():
            target = aside / "files" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        found = replace(kept, where=str(place / "files"), root=lambda: place / "files")
        codes = compile_files(found)
        (aside / _codes_name()).write_bytes(_sealed(found, codes))
        aside.rename(place)
    except OSError as error:
        logger.warning("%s can't be unpacked on this host: %s", label, error)
        return kept
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return replace(found, codes=MappingProxyType(codes))


def _check_names(files: PluginFiles) -> None:
    """Refuse names that lead out of the folder; the gate has done so before, and this is the last door.

    Raises:
        PluginLoadError: names the file.
    """
    for name in files.contents:
        parts = name.split("/")
        if not name or name.startswith("/") or "\\" in name or "\0" in name or {"", ".", ".."} & set(parts):
            raise PluginLoadError(f"The kept files of {files.label} hold {name!r}, which leads out of their folder.")


def _codes_name() -> str:
    return f"{sys.implementation.cache_tag}.code"


def _read_codes(place: Path, files: PluginFiles) -> Mapping[str, CodeType] | None:
    """Return the compiled code, or None when there is none of this Python, or it is not ours."""
    try:
        raw = (place / _codes_name()).read_bytes()
    except OSError:
        return None
    seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if not hmac.compare_digest(seal, _seal(files, body)):
        logger.warning("The compiled code of %s on this host is not what was written; it is compiled anew", files.label)
        return None
    codes: dict[str, CodeType] = marshal.loads(body)  # noqa: S302 - sealed with a key of the site
    return MappingProxyType(codes)


def _sealed(files: PluginFiles, codes: Mapping[str, CodeType]) -> bytes:
    body = marshal.dumps(dict(codes))
    return _seal(files, body) + body


def _seal(files: PluginFiles, body: bytes) -> bytes:
    """Seal code together with what it was made of, where it belongs and for which Python."""
    facts = b"\0".join((files.digest.encode(), files.where.encode(), MAGIC_NUMBER, body))
    return salted_hmac("gridkit_django.plugins.unpacked", facts, algorithm="sha256").digest()
