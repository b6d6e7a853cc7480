"""Records on their way out of the database: a gzipped file with all that proves them, in one of Django's storages."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils import timezone

from gridkit_django.audit.evidence import EvidenceWriter
from gridkit_django.audit.rows import RecordRow
from gridkit_django.audit.runs import Run, common, ids_in, runs_of
from gridkit_django.conf import settings

_SPOOL_BYTES = 1_000_000
_FOLDER = "gridkit/audit"


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that was written.

    Attributes:
        name: what the storage calls it; empty when nothing was written.
        digest: SHA-256 of the file, in hex.
    """

    name: str = ""
    digest: str = ""


def archive_storage() -> Storage | None:
    """Return the storage of archives; None when records go without one."""
    alias = settings().AUDIT_ARCHIVE_STORAGE
    return storages[alias] if alias else None


def write_archive(alias: str, runs: Sequence[Run], first_seal: int, last_seal: int) -> Archive:
    """Write some sealed records, with their seals and keys, as ``evidence`` that ``verifier.py`` reads.

    Args:
        alias: of the database.
        runs: ids of the records.
        first_seal: number of the first seal that they are under.
        last_seal: number of the last one.
    """
    storage = archive_storage()
    if storage is None:
        return Archive()

    def chosen(rows: Sequence[RecordRow]) -> set[int]:
        return set(ids_in(common(runs_of(row.id for row in rows), runs)))

    writer = EvidenceWriter(alias, first=first_seal, last=last_seal, choice=chosen)
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
        with gzip.GzipFile(fileobj=spool, mode="wb", mtime=0) as packed:
            for line in writer.lines():
                packed.write(line)
        digest = _digest(spool)
        stamp = timezone.now().strftime("%Y%m%dT%H%M%S")
        name = f"{_FOLDER}/{alias}/{first_seal:012}-{last_seal:012}-{stamp}.ndjson.gz"
        return Archive(storage.save(name, File(spool)), digest)


def drop_archive(archive: Archive) -> None:
    """Delete an archive whose records were not removed after all."""
    storage = archive_storage()
    if archive.name and storage is not None:
        storage.delete(archive.name)


def _digest(stream: IO[bytes]) -> str:
    stream.seek(0)
    total = hashlib.sha256()
    while part := stream.read(_SPOOL_BYTES):
        total.update(part)
    stream.seek(0)
    return total.hexdigest()
