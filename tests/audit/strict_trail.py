"""What tests of strict mode share: following models, reading their trail, and SQL past Django's models."""

from __future__ import annotations

from typing import Any

from django.db import connection, models

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.triggers import Triggers
from gridkit_django.models import AuditRecord

OWNER = "tests"


def policy(model: type[models.Model], **options: Any) -> AuditPolicy:
    return AuditPolicy(model_label=model._meta.label_lower, strict=True, **options)


def follow(*policies: AuditPolicy) -> None:
    """Follow models strictly and install their triggers."""
    audit_policies().set(OWNER, policies)
    Triggers(connection, audit_policies().table).install()


class Trail:
    """Reads the records that were written since it was last asked."""

    def __init__(self) -> None:
        self._last = 0

    def rows(self) -> list[AuditRecord]:
        rows = list(AuditRecord.objects.filter(pk__gt=self._last).order_by("pk"))
        self._last = rows[-1].pk if rows else self._last
        return rows

    def __call__(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        return [(row.action, row.target_type, row.target_id, row.changes) for row in self.rows()]


def execute(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
