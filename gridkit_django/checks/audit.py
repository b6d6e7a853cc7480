"""Advice about the audit trail, for sites that go into production."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice

from gridkit_django.conf import settings
from gridkit_django.exceptions import SettingsError


def check_signing_key(**_kwargs: Any) -> list[CheckMessage]:
    """Say that seals of the audit trail have no public signature (``gridkit.W004``); with ``check --deploy`` only."""
    try:
        has_key = bool(settings().AUDIT_SIGNING_KEY or settings().AUDIT_PUBLIC_KEYS)
    except SettingsError:
        return []  # gridkit.E001 has told it
    if has_key:
        return []
    return [
        Advice(
            "The seals of the audit trail are signed with HMAC and the site's secrets, which proves nothing to others.",
            hint="Make a key with manage.py gridkit_audit_keygen and set GRIDKIT['AUDIT_SIGNING_KEY'] for the worker, "
            "and GRIDKIT['AUDIT_PUBLIC_KEYS'] for the other processes; or silence gridkit.W004.",
            id="gridkit.W004",
        )
    ]
