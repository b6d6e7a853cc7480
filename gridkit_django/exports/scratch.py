"""Files that a run is writing: bounded in size, with a checksum, and stored without another copy where that can be."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.files import File
from django.core.files.storage import Storage

from gridkit_django.exceptions import ExportTooLargeError
from gridkit_django.exports.files import (
    export_storage,
    job_folder,
    save_file,
    secret_name,
    storage_error,
    storage_trouble,
)
from gridkit_django.exports.progress import taken
from gridkit_django.models import ExportJob

_BUFFER = 256 * 1024
_READ = 1024 * 1024
_BLOCK = 64 * 1024
"""What of a segment is read between two looks."""


class _Raw(io.FileIO):
    """The file below the buffer: takes so many bytes at most, and sums up what is written from front to back.

    Attributes:
        given_up: nothing is written any more.
    """

    def __init__(self, opened: int, most: int, glance: Callable[[], None], *, summed: bool) -> None:
        super().__init__(opened, "r+")
        self.given_up = False
        self._most = most
        self._glance = glance
        self._sum = hashlib.sha256()
        self._summed = 0 if summed else -1

    def write(self, data: Any) -> int:
        """Write a block.

        Raises:
            ExportTooLargeError: when the file would be larger than it may.
            ExportStorageError: when there is no room left.
        """
        if self.given_up:
            return len(data)
        self._glance()
        at = self.tell()
        if at + len(data) > self._most:
            raise ExportTooLargeError(
                f"The file would have more than {self._most} bytes, the most that is left for it (EXPORT_BYTES_MAX, "
                "EXPORT_BYTES_PER_USER). Filter it further, or delete older exports."
            )
        try:
            written = super().write(data)
        except OSError as error:
            raise storage_error("could not be written", error) from error
        if at == self._summed:
            self._sum.update(memoryview(data)[:written])
            self._summed += written
        else:
            self._summed = -1
        return written

    def checksum(self) -> str:
        """Return the SHA-256 of all that was written; a file that was not written from front to back is read again."""
        if self._summed < 0:
            self.seek(0)
            self._sum = hashlib.sha256()
            while block := self.read(_READ):
                self._sum.update(block)
        return self._sum.hexdigest()


class ScratchFile:
    """A file that is being written.

    Args:
        opened: its file descriptor.
        path: where it lies, or None for a file that has no name and vanishes with its descriptor.
        most: bytes at most.
        glance: called with each block, so that a run can be stopped there.
        summed: its checksum will be asked for, and is best made while it is written.

    Attributes:
        stream: what an exporter writes to, and reads from.
    """

    def __init__(
        self, opened: int, path: Path | None, most: int, glance: Callable[[], None], *, summed: bool = True
    ) -> None:
        self._raw = _Raw(opened, most, glance, summed=summed)
        self._path = path
        self._glance = glance
        self.stream = cast("BinaryIO", io.BufferedRandom(self._raw, _BUFFER))

    @property
    def moves(self) -> bool:
        """Whether storing it moves it, so that it is to be found in the storage only."""
        return self._path is not None

    def append(self, data: Any) -> None:
        """Add bytes to a file that nothing was written to through ``stream``.

        Raises:
            ExportTooLargeError: when the file would be larger than it may.
            ExportStorageError: when there is no room left.
        """
        left = memoryview(data)
        while left:
            left = left[self._raw.write(left) :]

    def measure(self) -> int:
        """Write all of it to the disk, and return its size in bytes."""
        self.stream.flush()
        return self.stream.seek(0, io.SEEK_END)

    def finish(self) -> tuple[int, str]:
        """Write all of it to the disk, and return its size in bytes and its SHA-256."""
        size = self.measure()
        total = self._raw.checksum()
        self.stream.seek(0)
        return size, total

    def store(self, name: str) -> str:
        """Store it and return the name that the storage gave it. Where that copies it, a run can be stopped meanwhile.

        Raises:
            ExportStorageError: when the storage does not take it.
            ExportLostError: when a later run has swept it away.
        """
        self.stream.flush()
        self.stream.seek(0)
        if self._path is None:
            return save_file(name, File(_reading(self.stream, self._glance)))
        if not self._path.exists():
            raise taken()
        stored = save_file(name, _Movable(self.stream, self._path))
        self._path = None
        return stored

    def discard(self) -> None:
        """Throw it away, unless it was stored by moving it. What the buffer still holds need not find room."""
        self._raw.given_up = True
        self.stream.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


class _Movable(File):  # type: ignore[type-arg]  # at run time it takes no parameter
    """A file that a storage of the same file system takes by moving it."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        super().__init__(stream, name=path.name)
        self._path = path

    def temporary_file_path(self) -> str:
        """Return where it lies: Django's ``FileSystemStorage`` moves it from there."""
        return str(self._path)


class _Looking(io.RawIOBase):
    """A stream that is read with a look at each block, so that a run can be stopped there; closing it closes no other.

    Args:
        stream: what is read; it can be read from any place on.
        glance: called with each block.
    """

    def __init__(self, stream: BinaryIO, glance: Callable[[], None]) -> None:
        self._stream = stream
        self._glance = glance

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._stream.seek(offset, whence)
        return self._stream.tell()

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any) -> int:
        self._glance()
        block = self._stream.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def _reading(stream: BinaryIO, glance: Callable[[], None]) -> BinaryIO:
    return io.BufferedReader(_Looking(stream, glance), _BLOCK)


class Workshop:
    """Makes the files of one run, and throws away what was not stored.

    Where the storage is a folder of this machine, they are made beside their later place, so that storing them is one
    rename. A worker that is killed leaves them there, until the next one sweeps.

    Args:
        job: whose files.
        glance: called with each block that is written, or read to be put together.
    """

    def __init__(self, job: ExportJob, glance: Callable[[], None]) -> None:
        self._job = job
        self._glance = glance
        self._made: list[ScratchFile] = []

    def new_file(self, most: int, *, summed: bool = True) -> ScratchFile:
        """Make an empty file.

        Args:
            most: bytes at most.
            summed: its checksum will be asked for.

        Raises:
            ExportStorageError: when none can be made.
        """
        with storage_trouble("could not be written"):
            path = _place(export_storage(), self._job)
            made = ScratchFile(_new(path), path, most, self._glance, summed=summed)
        self._made.append(made)
        return made

    def sweep(self) -> None:
        """Delete what runs before this one left behind when their workers were killed: it takes up room.

        Raises:
            ExportStorageError: when it can't be deleted.
        """
        with storage_trouble("could not be written"):
            folder = _folder(export_storage(), self._job)
            for left in () if folder is None else folder.glob("*.part"):
                run = left.name.partition(".")[0]
                if run.isdecimal() and int(run) < self._job.fence:
                    left.unlink(missing_ok=True)

    def store(self, file: ScratchFile, extension: str) -> str:
        """Store a file under a name that nobody can guess, and return the name."""
        return file.store(secret_name(self._job, extension))

    def reading(self, stream: BinaryIO) -> BinaryIO:
        """Return what reads a segment from the place where it is, and stops when the run is to stop."""
        return _reading(stream, self._glance)

    def close(self) -> None:
        """Throw away what was not stored."""
        for file in self._made:
            file.discard()
        self._made.clear()


def _folder(storage: Storage, job: ExportJob) -> Path | None:
    """Return the folder of a job; None when it is no local one."""
    try:
        return Path(storage.path(job_folder(job)))
    except NotImplementedError:
        return None


def _place(storage: Storage, job: ExportJob) -> Path | None:
    """Return a new path in the folder of a job, which is made where it is lacking; None when it is no local folder."""
    folder = _folder(storage, job)
    if folder is None:
        return None
    mode = getattr(storage, "directory_permissions_mode", None)
    if not folder.is_dir():
        _make(folder, 0o777 if mode is None else mode)
    return folder / f"{job.fence}.{secrets.token_urlsafe(24)}.part"


def _new(path: Path | None) -> int:
    """Open a new file, without a name where there is no path."""
    if path is not None:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    opened, name = tempfile.mkstemp()
    Path(name).unlink()
    return opened


def _make(folder: Path, mode: int) -> None:
    """Make a folder and those above it, all with the same rights."""
    for above in reversed([folder, *folder.parents]):
        if not above.is_dir():
            above.mkdir(mode=mode, exist_ok=True)
