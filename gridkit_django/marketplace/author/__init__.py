"""The author's side of a marketplace: uploading what was packed and signed."""

from __future__ import annotations

from gridkit_django.marketplace.author.uploading import PublishedRelease, release_state, upload_release

__all__ = ["PublishedRelease", "release_state", "upload_release"]
