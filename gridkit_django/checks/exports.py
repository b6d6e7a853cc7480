"""Checks of where export files go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Advice
from django.core.files.storage import FileSystemStorage, InvalidStorageError, storages

from gridkit_django.conf import settings
from gridkit_django.exceptions import SettingsError


def check_export_storage(**_kwargs: Any) -> list[CheckMessage]:
    """Report an ``EXPORT_STORAGE`` that is none (``gridkit.E004``)."""
    try:
        name = settings().EXPORT_STORAGE
        storages[name]
    except SettingsError:
        return []  # gridkit.E001 has told it
    except (InvalidStorageError, ImportError) as error:
        return [
            Error(
                f"GRIDKIT['EXPORT_STORAGE'] is {name!r}, and there is no such storage: {error}",
                hint="Name an alias of Django's STORAGES.",
                id="gridkit.E004",
            )
        ]
    return []


def check_export_privacy(**_kwargs: Any) -> list[CheckMessage]:
    """Say that export files lie among those that are served (``gridkit.W005``); with ``check --deploy`` only."""
    try:
        storage = storages[settings().EXPORT_STORAGE]
    except (SettingsError, InvalidStorageError, ImportError):
        return []  # gridkit.E001 or gridkit.E004 tells it
    served = django_settings.MEDIA_ROOT if django_settings.MEDIA_URL not in ("", "/") else ""
    if not served or not isinstance(storage, FileSystemStorage):
        return []
    place, media = Path(storage.location).resolve(), Path(served).resolve()
    if place != media and media not in place.parents:
        return []
    return [
        Advice(
            "Export files lie below MEDIA_ROOT, which web servers usually give to everybody who knows a name.",
            hint="Set GRIDKIT['EXPORT_STORAGE'] to a storage with a folder of its own, or silence gridkit.W005 when "
            "nothing below MEDIA_URL is served.",
            id="gridkit.W005",
        )
    ]
