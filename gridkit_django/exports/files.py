"""Where export files live: Django's storage, under names that nobody can guess."""

from __future__ import annotations

import secrets
from typing import Any, BinaryIO

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from gridkit_django.conf import settings
from gridkit_django.models import ExportJob

FOLDER = "gridkit-exports"


def export_storage() -> Storage:
    """Return the storage that ``EXPORT_STORAGE`` names."""
    return storages[settings().EXPORT_STORAGE]


def save_file(stream: BinaryIO, extension: str) -> str:
    """Store a finished file under a name with 192 random bits and return the name."""
    stream.seek(0)
    name = f"{FOLDER}/{timezone.now():%Y/%m}/{secrets.token_urlsafe(24)}.{extension}"
    return export_storage().save(name, File(stream))


def delete_file(name: str) -> None:
    """Delete a stored file; an empty name means that there is none."""
    if name:
        export_storage().delete(name)


def download_name(job: ExportJob, extension: str) -> str:
    """Return the file name that a person sees, for example ``flights-20260517-1404.csv``."""
    return f"{slugify(job.grid) or 'export'}-{timezone.localtime(job.created_at):%Y%m%d-%H%M}.{extension}"


def delete_file_with_job(*, instance: ExportJob, using: str, **_kwargs: Any) -> None:
    """Receiver of ``post_delete``: a job's file goes with its row, once that is committed."""
    transaction.on_commit(lambda: delete_file(instance.file_name), using=using)
