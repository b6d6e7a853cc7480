"""Errors about exports."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError

__all__ = [
    "ExportCancelled",
    "ExportChangedError",
    "ExportEncodingError",
    "ExportError",
    "ExportLimitError",
    "ExportLostError",
    "ExportNotFoundError",
    "ExportNotReadyError",
    "ExportOptionsError",
    "ExportStorageError",
    "ExportTimeoutError",
    "ExportTooLargeError",
    "FormatUnavailableError",
    "UnknownFormatError",
]


class ExportError(GridKitError):
    """An export could not be made."""

    code = "export-failed"


class UnknownFormatError(ExportError):
    """No active plugin writes this format."""

    code = "export-format-unknown"


class FormatUnavailableError(UnknownFormatError):
    """A plugin offers the format, but its code or a library that it needs can't be loaded on this site."""

    code = "export-format-unavailable"


class ExportOptionsError(ExportError):
    """The options break the schema of the format."""

    code = "export-options-invalid"


class ExportLimitError(ExportError):
    """As many exports of this user are under way as one user may have (``EXPORT_JOBS_PER_USER``)."""

    code = "export-limit-reached"


class ExportNotFoundError(ExportError):
    """No such job, or it belongs to somebody else. Both answer alike."""

    code = "export-not-found"


class ExportNotReadyError(ExportError):
    """The job has no file yet, or its file has expired or is not as it was written any more."""

    code = "export-not-ready"


class ExportTooLargeError(ExportError):
    """The selection has more rows than the format takes."""

    code = "export-too-large"


class ExportChangedError(ExportError):
    """An export that was interrupted can't go on: its grid, its columns or its owner's rights have changed."""

    code = "export-changed"


class ExportEncodingError(ExportError):
    """The file's encoding lacks a character of a value, and the options do not allow to replace it."""

    code = "export-encoding"


class ExportLostError(ExportError):
    """The job shows no sign of life: its worker stopped, or the message to the worker was lost."""

    code = "export-lost"


class ExportCancelled(ExportError):  # noqa: N818 - a wish of the owner, not a fault
    """The job was asked to stop while it ran."""

    code = "export-cancelled"


class ExportTimeoutError(ExportError):
    """One run of the job took longer than the site allows (``EXPORT_SECONDS_MAX``)."""

    code = "export-timeout"


class ExportStorageError(ExportError):
    """The storage of the files did not take, keep or give what it was asked to; it is tried again."""

    code = "export-storage-failed"
