"""How long records are kept: terms by event and model, legal holds that outrank them, archives, and receipts."""

from __future__ import annotations

from gridkit_django.audit.retention.holds import HoldScope, held, holds_over, kept_by, place_hold, release_hold
from gridkit_django.audit.retention.purging import purge
from gridkit_django.audit.retention.report import PurgeReport
from gridkit_django.audit.retention.rules import RetentionRule, due_at, retention_rules
from gridkit_django.audit.retention.terms import Term

__all__ = [
    "HoldScope",
    "PurgeReport",
    "RetentionRule",
    "Term",
    "due_at",
    "held",
    "holds_over",
    "kept_by",
    "place_hold",
    "purge",
    "release_hold",
    "retention_rules",
]
