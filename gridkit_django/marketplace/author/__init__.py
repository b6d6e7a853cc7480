"""The author's side of a marketplace: uploading what was packed and signed."""

from __future__ import annotations

from gridkit_django.marketplace.author.fronts import LocalFront, read_front, send_front
from gridkit_django.marketplace.author.rotating import rotate_key
from gridkit_django.marketplace.author.uploading import PublishedRelease, release_state, upload_release

__all__ = [
    "LocalFront",
    "PublishedRelease",
    "read_front",
    "release_state",
    "rotate_key",
    "send_front",
    "upload_release",
]
