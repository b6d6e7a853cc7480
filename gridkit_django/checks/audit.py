"""Advice about the audit trail, for sites that go into production."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice
from django.db import Error
from django.utils import timezone

from gridkit_django.audit.capture.plans import KEY_MAX
from gridkit_django.audit.capture.set_based import may_be_too_long
from gridkit_django.audit.health import unsealed_since
from gridkit_django.audit.policies import audit_policies
from gridkit_django.audit.sealing import sealed_aliases
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


def check_audited_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Say which followed models may have keys that are longer than a record holds (``gridkit.W009``)."""
    models = [apps.get_model(label) for label in sorted(audit_policies().table.by_model)]
    return [
        Advice(
            f"{model._meta.label} is followed by the audit trail, and its primary key may be longer than {KEY_MAX} "
            "characters. A write to a row with such a key is refused.",
            hint="Give the field a smaller max_length, do not follow the model, or silence gridkit.W009.",
            obj=model,
            id="gridkit.W009",
        )
        for model in models
        if may_be_too_long([model._meta.pk])
    ]


def check_sealing(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Say where audit records wait too long for their seal (``gridkit.W203``); with ``check --database`` only."""
    try:
        late = timezone.now() - timedelta(seconds=settings().AUDIT_UNSEALED_SECONDS)
        held = set(sealed_aliases()) if databases else set()
        since = {alias: unsealed_since(alias) for alias in databases or () if alias in held}
    except (SettingsError, Error):  # gridkit.E001 has told the one; of a database that is not there others tell
        return []
    return [
        Advice(
            f"An audit record of the database {alias!r} has waited for its seal since {oldest:%Y-%m-%d %H:%M} UTC.",
            hint="Let Celery beat call gridkit.seal_audit every few seconds, or run manage.py gridkit_audit_seal.",
            id="gridkit.W203",
        )
        for alias, oldest in since.items()
        if oldest is not None and oldest < late
    ]
