"""Where packages and pictures lie: Django's storage, under names made from their content."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from gridkit_django.conf import market_settings
from gridkit_django.exceptions import MarketStorageError

FOLDER = "gridkit-market"


def market_storage() -> Storage:
    """Return the storage that the settings name."""
    return storages[market_settings().storage]


def store(kind: str, sha256: str, filename: str, content: bytes) -> str:
    """Store a file, once, and return its name in the storage.

    Args:
        kind: ``files`` or ``pictures``.
        sha256: hex digest of the content.
        filename: the last part of the name.
        content: the bytes.

    Raises:
        MarketStorageError: when the storage fails.
    """
    name = name_of(kind, sha256, filename)
    with _trouble("stored"):
        storage = market_storage()
        if storage.exists(name):
            with storage.open(name) as file:
                if file.read() == content:
                    return name
            storage.delete(name)  # cut off when it was written, or changed since
        return storage.save(name, ContentFile(content))


def name_of(kind: str, sha256: str, filename: str) -> str:
    """Return the name that a file has in the storage."""
    return f"{FOLDER}/{kind}/{sha256[:2]}/{sha256}/{filename}"


def read(name: str) -> bytes:
    """Return a stored file.

    Raises:
        MarketStorageError: when the storage fails.
    """
    with _trouble("read"), market_storage().open(name) as file:
        found: bytes = file.read()
        return found


@contextmanager
def _trouble(doing: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each storage has errors of its own; the cause goes with this one
        raise MarketStorageError(f"A file of the marketplace could not be {doing} ({type(error).__name__}).") from error


def opened(name: str) -> File[bytes]:
    """Return a stored file, open for reading; whoever takes it closes it.

    Raises:
        MarketStorageError: when the storage fails.
    """
    with _trouble("read"):
        return market_storage().open(name)
