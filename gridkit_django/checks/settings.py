"""Checks of the project's settings."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Advice

from gridkit_django.conf import settings
from gridkit_django.exceptions import SettingsError
from gridkit_django.plugins.locate import find_module

OBJECT_BACKEND = "guardian.backends.ObjectPermissionBackend"

_LIBRARIES = (
    ("HINT_URL", "redis", "redis"),
    ("METRICS_TOKEN", "prometheus_client", "metrics"),
    ("OPENTELEMETRY", "opentelemetry.trace", "tracing"),
)
"""Settings, the module that each needs, and the extra that brings it."""


def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Report a wrong ``GRIDKIT`` dict (``gridkit.E001``) and page sizes that contradict each other (``E002``)."""
    try:
        found = settings()
    except SettingsError as error:
        return [Error(error.detail, id="gridkit.E001")]
    if not 1 <= found.PAGE_SIZE <= found.PAGE_SIZE_MAX:
        text = (
            f"GRIDKIT['PAGE_SIZE'] is {found.PAGE_SIZE}; it must be 1 to PAGE_SIZE_MAX, which is {found.PAGE_SIZE_MAX}."
        )
        return [Error(text, id="gridkit.E002")]
    return []


def check_libraries(**_kwargs: Any) -> list[CheckMessage]:
    """Report settings that ask for a library which is not installed (``gridkit.E003``)."""
    try:
        found = settings()
    except SettingsError:
        return []
    return [
        Error(
            f"GRIDKIT[{name!r}] needs the library {module!r}, which is not installed.",
            hint=f"Install gridkit-django[{extra}], or leave the setting out.",
            id="gridkit.E003",
        )
        for name, module, extra in _LIBRARIES
        if getattr(found, name) and find_module(module) is None
    ]


def check_object_rights(**_kwargs: Any) -> list[CheckMessage]:
    """Say when rights on a single grid can't work: no django-guardian (``W001``), or not its backend (``W002``)."""
    if not apps.is_installed("guardian"):
        return [
            Advice(
                "django-guardian is not installed, so rights can be given on all grids only, not on a single one.",
                hint="Add 'guardian' to INSTALLED_APPS, or silence gridkit.W001 when that is what you want.",
                id="gridkit.W001",
            )
        ]
    if OBJECT_BACKEND not in django_settings.AUTHENTICATION_BACKENDS:
        return [
            Advice(
                "django-guardian is installed, but its backend is not in use, so rights on a single grid do not count.",
                hint=f"Add {OBJECT_BACKEND!r} to AUTHENTICATION_BACKENDS.",
                id="gridkit.W002",
            )
        ]
    return []
