"""Errors about the audit trail."""

from __future__ import annotations

from gridkit_django.exceptions.base import GridKitError


class AuditError(GridKitError):
    """Something about the audit trail is wrong."""

    code = "audit-error"


class AppendOnlyError(AuditError):
    """Audit records are written once: no update, no delete."""

    code = "audit-append-only"
