"""Audit records: append-only facts about who did what, in the transaction of the act itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridkit_django.exceptions import AppendOnlyError

_REFUSAL = "Audit records are written once. To correct one, write another record that refers to it."


class AuditRecordQuerySet(models.QuerySet["AuditRecord"]):
    """Reads and appends; every other verb is refused."""

    def update(self, **kwargs: Any) -> int:
        """Refuse: records are append-only.

        Raises:
            AppendOnlyError: always.
        """
        raise AppendOnlyError(_REFUSAL)

    def bulk_create(self, objs: Iterable[AuditRecord], *args: Any, **kwargs: Any) -> list[AuditRecord]:
        """Append many records.

        Raises:
            AppendOnlyError: when a conflict would be answered with an update.
        """
        if kwargs.get("update_conflicts"):
            raise AppendOnlyError(_REFUSAL)
        return super().bulk_create(objs, *args, **kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse: records are append-only.

        Raises:
            AppendOnlyError: always.
        """
        raise AppendOnlyError(_REFUSAL)


class AuditRecord(models.Model):
    """One act: ``actor`` did ``action`` to ``target``, with these ``changes``.

    ``changes`` maps a field or column id to ``[before, after]``. ``context`` holds the circumstances: source,
    correlation id, request id, address, evidence.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    action = models.CharField(_("action"), max_length=80)
    actor_kind = models.CharField(_("actor kind"), max_length=20)
    actor_id = models.CharField(_("actor id"), max_length=200, blank=True)
    actor_label = models.CharField(_("actor"), max_length=200, blank=True)
    target_type = models.CharField(_("target type"), max_length=100)
    target_id = models.CharField(_("target id"), max_length=200)
    target_label = models.CharField(_("target"), max_length=300, blank=True)
    grid = models.CharField(_("grid"), max_length=100, blank=True)
    changes = models.JSONField(_("changes"), default=dict, encoder=DjangoJSONEncoder)
    context = models.JSONField(_("context"), default=dict, encoder=DjangoJSONEncoder)
    occurred_at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)

    objects = AuditRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit record")
        verbose_name_plural = _("audit records")
        ordering: ClassVar = ["-occurred_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["target_type", "target_id", "-occurred_at"], name="gridkit_audit_target"),
            models.Index(fields=["actor_id", "-occurred_at"], name="gridkit_audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.target_label or self.target_id}"

    def save(self, **kwargs: Any) -> None:
        """Write a new record.

        Raises:
            AppendOnlyError: when the record is stored already.
        """
        if not self._state.adding:
            raise AppendOnlyError(_REFUSAL)
        # Without force_insert, Django turns the save of a new object with a known key into an UPDATE.
        super().save(**{**kwargs, "force_insert": True})

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Refuse: records are append-only.

        Raises:
            AppendOnlyError: always.
        """
        raise AppendOnlyError(_REFUSAL)
