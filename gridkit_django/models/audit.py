"""Audit records: append-only facts about who did what, in the transaction of the act itself."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.append_only import AppendOnlyModel, AppendOnlyQuerySet
from gridkit_django.models.documents import DocumentField
from gridkit_django.models.json_text import JSONTextField


class AuditRecordManager(models.Manager["AuditRecord"]):
    """Gives records with their operations, in one query."""

    def get_queryset(self) -> AppendOnlyQuerySet[AuditRecord]:
        """Return all records, each with its operation."""
        return AppendOnlyQuerySet(self.model, using=self._db).select_related("operation")


class AuditOperation(AppendOnlyModel):
    """The circumstances that all records of one act share: written once, however many rows the act touched."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(_("source"), max_length=20)
    correlation_id = models.CharField(_("correlation id"), max_length=200, blank=True)
    impersonator_id = models.CharField(_("impersonator id"), max_length=200, blank=True)
    impersonator_label = models.CharField(_("impersonator"), max_length=200, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    facts = DocumentField(_("facts"), default=dict, encoder=DjangoJSONEncoder)
    occurred_at = models.DateTimeField(_("time"), default=timezone.now)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit operation")
        verbose_name_plural = _("audit operations")
        ordering: ClassVar = ["-occurred_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["correlation_id"], name="gridkit_audit_correlation")]

    def __str__(self) -> str:
        return f"{self.source} {self.correlation_id}"


class AuditRecord(AppendOnlyModel):
    """One act: ``actor`` did ``action`` to ``target``, with these ``changes``.

    ``changes`` maps a field (of a row) or a column id to ``[before, after]``. The circumstances (source, correlation
    id, request id, address) are in ``operation``; ``context`` gives both together.

    Attributes:
        uuid: what the record is called outside; part of what its MAC covers.
        related: ``[type, id]`` of other objects that the act touched.
        schema_version: the form of this record, see ``docs/reference/audit.md``.
        mac: keyed digest made at the write, NULL where the database wrote the record itself.
    """

    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    operation = models.ForeignKey(
        AuditOperation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="records"
    )
    action = models.CharField(_("action"), max_length=80)
    actor_kind = models.CharField(_("actor kind"), max_length=20)
    actor_id = models.CharField(_("actor id"), max_length=200, blank=True)
    actor_label = models.CharField(_("actor"), max_length=200, blank=True)
    target_type = models.CharField(_("target type"), max_length=100)
    target_id = models.CharField(_("target id"), max_length=200)
    target_label = models.CharField(_("target"), max_length=300, blank=True)
    grid = models.CharField(_("grid"), max_length=100, blank=True)
    changes = JSONTextField(_("changes"), default=dict, encoder=DjangoJSONEncoder)
    evidence = DocumentField(_("evidence"), null=True, encoder=DjangoJSONEncoder)
    related = DocumentField(_("related objects"), null=True, encoder=DjangoJSONEncoder)
    schema_version = models.PositiveSmallIntegerField(_("form"), default=1)
    mac = models.BinaryField(_("MAC"), null=True, max_length=32)
    occurred_at = models.DateTimeField(_("time"), default=timezone.now)

    objects = AuditRecordManager()

    class Meta:
        verbose_name = _("audit record")
        verbose_name_plural = _("audit records")
        # Clocks go back and two acts share a microsecond: only the key tells what came after what.
        ordering: ClassVar = ["-pk"]
        base_manager_name = "objects"
        indexes: ClassVar = [
            models.Index(fields=["target_type", "target_id", "id"], name="gridkit_audit_target"),
            models.Index(fields=["actor_id", "id"], name="gridkit_audit_actor"),
            models.Index(fields=["occurred_at"], name="gridkit_audit_time"),
            # Ids of acts sort by time, so this index grows at its end like that of the key.
            models.Index(fields=["operation", "id"], name="gridkit_audit_act"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.target_label or self.target_id}"

    @property
    def context(self) -> dict[str, Any]:
        """The circumstances of the act, and the evidence of this record, as one object."""
        act = self.operation
        named = {"reason": act.reason, "impersonator": act.impersonator_label or act.impersonator_id}
        told = {**act.facts, **{name: value for name, value in named.items() if value}}
        if self.evidence:
            told["evidence"] = self.evidence
        return {**told, "source": act.source, "correlationId": act.correlation_id}
