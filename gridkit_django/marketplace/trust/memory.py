"""What a site has believed last of a marketplace, so that nobody can show it an older state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from django.db import router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from gridkit_django.models import TrustedMetadata


class TrustMemory(Protocol):
    """Files of metadata that were believed, by name."""

    def load(self) -> Mapping[str, bytes]:
        """Return them all."""
        ...

    def save(self, files: Mapping[str, bytes]) -> None:
        """Keep these; never in the place of newer ones."""
        ...

    def last_seen(self) -> datetime | None:
        """Return when something was kept last."""
        ...


class DatabaseMemory:
    """Remembers in the database, for all hosts of the site.

    Args:
        marketplace: which one, by its name in the settings.
    """

    def __init__(self, marketplace: str) -> None:
        self._marketplace = marketplace
        self._using = router.db_for_write(TrustedMetadata)

    def load(self) -> Mapping[str, bytes]:
        """Return all files."""
        rows = self._rows().values_list("name", "content")
        return {name: bytes(content) for name, content in rows}

    def save(self, files: Mapping[str, bytes]) -> None:
        """Keep files whose version is not older than what is kept."""
        now = timezone.now()
        with transaction.atomic(using=self._using):
            for name, content in sorted(files.items()):
                version = version_of(content)
                row, made = (
                    self._rows()
                    .select_for_update()
                    .get_or_create(
                        marketplace=self._marketplace,
                        name=name,
                        defaults={"version": version, "content": content, "seen_at": now},
                    )
                )
                if not made and row.version <= version:
                    row.version, row.content, row.seen_at = version, content, now
                    row.save(using=self._using)

    def last_seen(self) -> datetime | None:
        """Return when something was kept last."""
        return self._rows().order_by("-seen_at").values_list("seen_at", flat=True).first()

    def forget(self) -> None:
        """Forget everything: for a marketplace that began anew, with a new first root."""
        self._rows().delete()

    def _rows(self) -> QuerySet[TrustedMetadata]:
        return TrustedMetadata.objects.using(self._using).filter(marketplace=self._marketplace)


class ProcessMemory:
    """Remembers in this object only: for commands that look once, and for tests."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._seen: datetime | None = None

    def load(self) -> Mapping[str, bytes]:
        """Return all files."""
        return dict(self._files)

    def save(self, files: Mapping[str, bytes]) -> None:
        """Keep files whose version is not older than what is kept."""
        for name, content in files.items():
            if name not in self._files or version_of(self._files[name]) <= version_of(content):
                self._files[name] = content
        self._seen = timezone.now()

    def last_seen(self) -> datetime | None:
        """Return when something was kept last."""
        return self._seen


def version_of(content: bytes) -> int:
    """Return the version of a file of metadata that was believed."""
    return int(json.loads(content)["signed"]["version"])
