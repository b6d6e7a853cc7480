"""Strict mode (PostgreSQL): statement triggers follow a model, so that no write escapes, whoever makes it.

The code of the triggers is made from the models and their policies, installed by ``manage.py gridkit_audit_triggers``,
and compared with what is there by a system check. See ``docs/decisions`` and ``docs/how-to/audit-strict-mode.md``.
"""

from __future__ import annotations

from gridkit_django.audit.triggers.installation import Drift, Triggers, strict_labels
from gridkit_django.audit.triggers.strict import StrictAudit, announce

__all__ = ["Drift", "StrictAudit", "Triggers", "announce", "strict_labels"]
