"""Where export files live: Django's storage, in a folder for each job, under names that nobody can guess."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from gridkit_django.conf import settings
from gridkit_django.exceptions import ExportStorageError, GridKitError
from gridkit_django.models import ExportJob

FOLDER = "gridkit-exports"


def export_storage() -> Storage:
    """Return the storage that ``EXPORT_STORAGE`` names."""
    return storages[settings().EXPORT_STORAGE]


def job_folder(job: ExportJob) -> str:
    """Return the folder of all that is stored for a job."""
    return f"{FOLDER}/{job.created_at:%Y/%m}/{job.pk.hex}"


def secret_name(job: ExportJob, extension: str) -> str:
    """Return a name with 192 random bits in the folder of a job."""
    return f"{job_folder(job)}/{secrets.token_urlsafe(24)}.{extension}"


@contextmanager
def storage_trouble(doing: str) -> Iterator[None]:
    """Tell of whatever a storage raises in the block by one error, which means: try again.

    Args:
        doing: what is being done, as in "could not be stored".

    Raises:
        ExportStorageError: instead of what the storage raised. The reason of the operating system is told, the place is
            not.
    """
    try:
        yield
    except GridKitError:
        raise
    except Exception as error:  # each storage has errors of its own; the cause goes with this one
        raise storage_error(doing, error) from error


def storage_error(doing: str, error: BaseException) -> ExportStorageError:
    """Return the error that tells of what a storage raised."""
    reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
    return ExportStorageError(f"The export {doing}: {reason}.")


def save_file(name: str, content: File[bytes]) -> str:
    """Store a whole file and return the name that the storage gave it.

    Raises:
        ExportStorageError: when the storage does not take it.
    """
    with storage_trouble("could not be stored"):
        return export_storage().save(name, content)


def delete_file(name: str) -> None:
    """Delete a stored file; an empty name means that there is none."""
    if name:
        export_storage().delete(name)


def clear_folder(folder: str, *, keep: str = "") -> None:
    """Delete all that is stored for a job, also what a worker left behind that was killed.

    Args:
        folder: its ``job_folder``.
        keep: name of the one file that stays; without it the folder goes too.
    """
    storage = export_storage()
    with contextlib.suppress(FileNotFoundError, NotImplementedError):
        for name in storage.listdir(folder)[1]:
            if f"{folder}/{name}" != keep:
                storage.delete(f"{folder}/{name}")
        if not keep:
            storage.delete(folder)


def download_name(job: ExportJob, extension: str) -> str:
    """Return the file name that a person sees, for example ``flights-20260517-1404.csv``."""
    return f"{slugify(job.grid) or 'export'}-{timezone.localtime(job.created_at):%Y%m%d-%H%M}.{extension}"


def delete_file_with_job(*, instance: ExportJob, using: str, **_kwargs: Any) -> None:
    """Receiver of ``post_delete``: a job's files go with its row, once that is committed."""
    transaction.on_commit(partial(_delete_all, instance.file_name, job_folder(instance)), using=using)


def _delete_all(name: str, folder: str) -> None:
    delete_file(name)
    clear_folder(folder)
