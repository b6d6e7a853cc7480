"""What lies in the storage of exports."""

from __future__ import annotations

from django.core.files.storage import Storage, default_storage

from gridkit_django.exports.files import FOLDER


def stored_files(storage: Storage = default_storage) -> list[str]:
    """Return all files that lie in the storage of exports."""
    found = []
    waiting = [FOLDER]
    while waiting:
        folder = waiting.pop()
        if storage.exists(folder):
            folders, files = storage.listdir(folder)
            waiting += [f"{folder}/{name}" for name in folders]
            found += [f"{folder}/{name}" for name in files]
    return found
