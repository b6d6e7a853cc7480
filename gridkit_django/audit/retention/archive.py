"""Records on their way out of the database: gzipped files with all that proves them, in one of Django's storages.

Many records make several files, each of which proves itself, and a list of them with their digests, which is what the
receipt names: so no file, and no disk that one is written to before it is stored, grows with the size of a partition.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.utils import timezone

from gridkit_django.audit.evidence import EvidenceWriter
from gridkit_django.audit.rows import RecordRow
from gridkit_django.audit.runs import Run, common, ids_in, runs_of
from gridkit_django.conf import settings
from gridkit_django.exceptions import AuditRetentionError
from gridkit_django.models import AuditSeal

_SPOOL_BYTES = 1_000_000
_FOLDER = "gridkit/audit"

FILE_RECORDS = 100_000
"""Records of the seals in one file at most, unless one seal alone has more."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that was written, or several.

    Attributes:
        name: what the storage calls it, or the list of several; empty when nothing was written.
        digest: SHA-256 of that file, in hex.
        parts: what the storage calls the files that the list names.
    """

    name: str = ""
    digest: str = ""
    parts: tuple[str, ...] = ()


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
    spans = list(_spans(alias, first_seal, last_seal))
    stamp = timezone.now().strftime("%Y%m%dT%H%M%S")
    files: list[Archive] = []
    try:
        for span in spans:
            files.append(_write_file(storage, alias, runs, span, stamp))  # noqa: PERF401 - known when the next one fails
        return files[0] if len(files) == 1 else _write_list(storage, alias, files, spans, stamp)
    except BaseException:
        for file in files:
            drop_archive(file)
        raise


def _spans(alias: str, first_seal: int, last_seal: int) -> Iterator[tuple[int, int]]:
    """Yield the numbers of the first and the last seal of each file."""
    seals = AuditSeal.objects.using(alias).filter(number__range=(first_seal, last_seal)).order_by("number")
    start, held = first_seal, 0
    for number, count in seals.values_list("number", "count").iterator():
        if held and held + count > FILE_RECORDS:
            yield start, number - 1
            start, held = number, 0
        held += count
    yield start, last_seal


def _write_file(storage: Storage, alias: str, runs: Sequence[Run], span: tuple[int, int], stamp: str) -> Archive:
    def chosen(rows: Sequence[RecordRow]) -> set[int]:
        return set(ids_in(common(runs_of(row.id for row in rows), runs)))

    writer = EvidenceWriter(alias, first=span[0], last=span[1], choice=chosen)
    with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
        with gzip.GzipFile(fileobj=spool, mode="wb", mtime=0) as packed:
            for line in writer.lines():
                packed.write(line)
        return _saved(storage, _name(alias, span, stamp, "ndjson.gz"), File(spool))


def _write_list(
    storage: Storage, alias: str, files: Sequence[Archive], spans: Sequence[tuple[int, int]], stamp: str
) -> Archive:
    told = [
        {"file": file.name, "sha256": file.digest, "seals": list(span)} for file, span in zip(files, spans, strict=True)
    ]
    text = json.dumps({"archive": 1, "database": alias, "files": told}, indent=1).encode()
    listed = _saved(storage, _name(alias, (spans[0][0], spans[-1][1]), stamp, "json"), ContentFile(text))
    return replace(listed, parts=tuple(file.name for file in files))


def _saved(storage: Storage, name: str, file: File[bytes]) -> Archive:
    """Save a file and read it back: what it is about is removed next, so that it was taken must not be believed.

    Raises:
        AuditRetentionError: when the storage gives something else back.
    """
    digest = _digest(file)
    stored = storage.save(name, file)
    with storage.open(stored) as kept:
        is_same = _digest(kept) == digest
    if not is_same:
        storage.delete(stored)
        raise AuditRetentionError(
            f"The storage of AUDIT_ARCHIVE_STORAGE does not give back the archive {stored} as it was written, so "
            "nothing was removed. Look whether its disk is full, then purge again."
        )
    return Archive(stored, digest)


def _name(alias: str, span: tuple[int, int], stamp: str, kind: str) -> str:
    return f"{_FOLDER}/{alias}/{span[0]:012}-{span[1]:012}-{stamp}.{kind}"


def drop_archive(archive: Archive) -> None:
    """Delete an archive whose records were not removed after all."""
    storage = archive_storage()
    if archive.name and storage is not None:
        for name in (archive.name, *archive.parts):
            storage.delete(name)


def _digest(file: File[bytes]) -> str:
    total = hashlib.sha256()
    for part in file.chunks(_SPOOL_BYTES):
        total.update(part)
    return total.hexdigest()
