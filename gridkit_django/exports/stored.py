"""Finished files as the storage gives them back: what it shortened or changed is not handed out as a whole."""

from __future__ import annotations

import hashlib
import logging
from types import TracebackType
from typing import IO, Any, Self

from gridkit_django.exceptions import ExportNotReadyError
from gridkit_django.exports.files import export_storage, storage_trouble
from gridkit_django.models import ExportJob

logger = logging.getLogger("gridkit_django.exports")


class StoredFile:
    """A finished file, opened for reading.

    Whoever reads it from its first byte to its last gets what was written, or an error before the last block: the
    SHA-256 is made while it is read, so that it costs no reading of its own. It has no ``fileno``, by which a server
    would send it past this check.

    Args:
        job: the finished job.

    Raises:
        ExportNotReadyError: when it is not there, or its size is not what was written.
        ExportStorageError: when the storage fails.
    """

    def __init__(self, job: ExportJob) -> None:
        self._job = job
        self._at = 0
        self._summed = 0
        self._sum = hashlib.sha256()
        self._file: IO[bytes] | Any = _opened(job)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most ``size``; empty at the end.

        Raises:
            ExportNotReadyError: when the file is not what was written.
        """
        block: bytes = self._file.read(size)
        if self._at == self._summed:
            self._sum.update(block)
            self._summed += len(block)
            # Files of former versions have no SHA-256.
            if self._summed == self._job.size and self._job.sha256 not in ("", self._sum.hexdigest()):
                raise _damaged(self._job)
        self._at += len(block)
        if not block and size and self._at < self._job.size:
            raise _damaged(self._job)
        return block

    def seekable(self) -> bool:
        """Whether it can be read from any place on."""
        return bool(self._file.seekable())

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._file.seek(offset, whence)
        self._at = self._file.tell()
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def __enter__(self) -> Self:
        """Be closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close it."""
        self.close()


def gone() -> ExportNotReadyError:
    """Return the error that tells that there is no file any more."""
    return ExportNotReadyError("The file of this export has expired. Ask for it again.", extra={"expired": True})


def _damaged(job: ExportJob) -> ExportNotReadyError:
    """Return the error that tells the owner of a file that is not what was written; the log tells the site."""
    logger.error("The file of export job %s is not as it was written. Look after the storage", job.pk)
    return ExportNotReadyError(
        "The file of this export is not as it was written any more. Ask for it again.", extra={"expired": True}
    )


def _opened(job: ExportJob) -> Any:
    with storage_trouble("could not be opened"):
        try:
            file = export_storage().open(job.file_name)
        except FileNotFoundError as error:
            raise gone() from error
        if file.size == job.size:
            return file
        file.close()
    raise _damaged(job)
