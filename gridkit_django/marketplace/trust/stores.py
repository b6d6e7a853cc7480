"""Where signed metadata is kept: a folder, or a storage of Django's."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from gridkit_django.exceptions import MarketplaceError

STORAGE = "storage:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")


def is_plain_name(name: str) -> bool:
    """Whether a text is a file's name and nothing that leads elsewhere."""
    return _NAME.fullmatch(name) is not None


class MetadataStore(Protocol):
    """Files by name; a write shows whole or not at all."""

    def read(self, name: str) -> bytes | None:
        """Return a file, or None when there is none."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a file, in the place of one that is there."""
        ...


class FolderStore:
    """Keeps files in a folder.

    Args:
        folder: which one; made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """Return a file, or None when there is none."""
        try:
            return (self._folder / name).read_bytes() if is_plain_name(name) else None
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file aside, then put it in its place."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=self._folder, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(aside).chmod(0o644)
            Path(aside).replace(self._folder / name)
        except OSError:
            Path(aside).unlink(missing_ok=True)
            raise


class StorageStore:
    """Keeps files in a storage of Django's.

    One that overwrites (``file_overwrite`` of S3, ``allow_overwrite`` of files) replaces the timestamp in one act. In
    another one it is missing for a moment at each publication, and a client that asks just then must ask again.

    Args:
        storage: which one.
        prefix: what stands before each name.
    """

    def __init__(self, storage: Storage, prefix: str = "tuf/") -> None:
        self._storage = storage
        self._prefix = prefix

    def read(self, name: str) -> bytes | None:
        """Return a file, or None when there is none."""
        if not is_plain_name(name):
            return None
        try:
            with self._storage.open(f"{self._prefix}{name}", "rb") as file:
                content: bytes = file.read()
        except FileNotFoundError:
            return None
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, in the place of one that is there.

        Raises:
            MarketplaceError: when the storage gives it another name.
        """
        path = f"{self._prefix}{name}"
        if self._saved(path, content) != path:
            self._storage.delete(path)
            if (written := self._saved(path, content)) != path:
                raise MarketplaceError(
                    f"The storage wrote {path!r} as {written!r}. Give it a storage that keeps names."
                )

    def _saved(self, path: str, content: bytes) -> str:
        """Save a file, and return its name; one of another name goes at once."""
        written = self._storage.save(path, ContentFile(content))
        if written != path:
            self._storage.delete(written)
        return written


def store_at(place: str) -> MetadataStore:
    """Return the store that a setting names: the path of a folder, or ``storage:NAME``.

    Raises:
        InvalidStorageError: when Django's ``STORAGES`` has no such alias.
    """
    if place.startswith(STORAGE):
        return StorageStore(storages[place.removeprefix(STORAGE)])
    return FolderStore(Path(place))
