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
    if not isinstance(storage, FileSystemStorage):
        return []
    fault = _exposure(Path(storage.location).resolve())
    if not fault:
        return []
    return [
        Advice(
            f"Export files lie {fault}.",
            hint="Name a storage with a folder of its own in Django's STORAGES (OPTIONS: location, "
            "file_permissions_mode 0o600), and set GRIDKIT['EXPORT_STORAGE'] to its alias; or silence gridkit.W005.",
            id="gridkit.W005",
        )
    ]


def _exposure(place: Path) -> str:
    """Say where files lie that do not belong there; nothing when their place is their own."""
    if not str(django_settings.MEDIA_ROOT):
        here = place == Path.cwd()
        return "in the folder that each process happens to be started in: MEDIA_ROOT is empty" if here else ""
    media = Path(django_settings.MEDIA_ROOT).resolve()
    if django_settings.MEDIA_URL in ("", "/") or (place != media and media not in place.parents):
        return ""
    return "below MEDIA_ROOT, which web servers usually give to everybody who knows a name"
