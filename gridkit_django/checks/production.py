"""Advice for sites that go into production, where a setting that was left out is a risk; ``check --deploy`` only."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice

from gridkit_django.conf import settings
from gridkit_django.exceptions import SettingsError

MIDDLEWARE = "gridkit_django.middleware.AuditMiddleware"
_LONE_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")


def check_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Say that stored secrets and personal data hang on ``SECRET_KEY`` alone (``gridkit.W012``)."""
    try:
        found = settings()
    except SettingsError:
        return []  # gridkit.E001 has told it
    if found.ENCRYPTION_KEYS or (found.AUDIT_MASTER_KEYS and found.AUDIT_MAC_KEYS):
        return []
    return [
        Advice(
            "Secrets of plugins and personal data in the audit trail are encrypted with keys made from SECRET_KEY: "
            "whoever changes it without SECRET_KEY_FALLBACKS loses them, and can't prove records made before.",
            hint="Set GRIDKIT['ENCRYPTION_KEYS'] to a list with a long random text of its own, from the environment or "
            "a vault, with the SECRET_KEY of today as its last item if secrets are stored already.",
            id="gridkit.W012",
        )
    ]


def check_shared_cache(**_kwargs: Any) -> list[CheckMessage]:
    """Say that rates are counted by each process for itself (``gridkit.W013``)."""
    try:
        rates = {name: rate for name, rate in settings().THROTTLE_RATES.items() if rate}
    except SettingsError:
        return []
    backend = str(django_settings.CACHES.get("default", {}).get("BACKEND", ""))
    if not rates or not backend.endswith(_LONE_CACHES):
        return []
    return [
        Advice(
            f"GRIDKIT['THROTTLE_RATES'] is counted in {backend}, which each process has for itself: with N processes "
            "people may ask N times as much, or without end.",
            hint="Let CACHES['default'] be a cache that all processes share, like Redis.",
            id="gridkit.W013",
        )
    ]


def check_audit_middleware(**_kwargs: Any) -> list[CheckMessage]:
    """Say that writes in the project's own views are recorded without their user (``gridkit.W014``)."""
    if MIDDLEWARE in django_settings.MIDDLEWARE:
        return []
    return [
        Advice(
            "The audit trail can't name who acts in views of this project: its middleware is not in use.",
            hint=f"Add {MIDDLEWARE!r} to MIDDLEWARE, high up; or silence gridkit.W014 where nothing is followed.",
            id="gridkit.W014",
        )
    ]


def check_client_addresses(**_kwargs: Any) -> list[CheckMessage]:
    """Say that the proxy before this site is taken for the client (``gridkit.W015``)."""
    try:
        named = bool(settings().AUDIT_TRUSTED_PROXIES)
    except SettingsError:
        return []
    told: Any = django_settings  # django-stubs hold the defaults for all that they can be
    behind = told.SECURE_PROXY_SSL_HEADER or told.USE_X_FORWARDED_HOST
    if named or not behind:
        return []
    return [
        Advice(
            "This site is behind a proxy, and audit records and rates take the proxy's address for everybody's.",
            hint="Set GRIDKIT['AUDIT_TRUSTED_PROXIES'] to the addresses of your own proxies, like ['10.0.0.0/8'].",
            id="gridkit.W015",
        )
    ]


def check_state_folder(**_kwargs: Any) -> list[CheckMessage]:
    """Say that notes of what killed a process lie among temporary files (``gridkit.W016``)."""
    try:
        if settings().STATE_DIR:
            return []
    except SettingsError:
        return []
    return [
        Advice(
            "The notes of which plugin was at work when a process died, and the files of installed plugins, lie in the "
            "system's folder of temporary files: they are gone after a restart of the host.",
            hint="Set GRIDKIT['STATE_DIR'] to a folder on the host's own disk that only the site's user may write to.",
            id="gridkit.W016",
        )
    ]
