"""What is kept about edits: answers to be given again, and how to undo."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class IdempotencyRecord(models.Model):
    """The answer to a request that named an Idempotency-Key: asked again, it is given again and nothing is done."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(_("key"), max_length=200)
    fingerprint = models.CharField(_("fingerprint of the request"), max_length=64)
    status = models.PositiveSmallIntegerField(_("status"), null=True, help_text=_("empty while it is under way"))
    answer = models.JSONField(_("answer"), null=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("idempotency record")
        verbose_name_plural = _("idempotency records")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="gridkit_idempotency_unique")]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="gridkit_idempotency_age")]

    def __str__(self) -> str:
        return self.key


class EditUndo(models.Model):
    """How to undo one edit, batch or bulk change. The token that a client holds is the signed id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    grid = models.CharField(_("grid"), max_length=100)
    steps = models.JSONField(_("steps"), help_text=_("what puts each row back, newest first, with its version"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    used_at = models.DateTimeField(_("used at"), null=True)

    class Meta:
        verbose_name = _("undo")
        verbose_name_plural = _("undos")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="gridkit_undo_age")]

    def __str__(self) -> str:
        return f"{self.grid}: {self.id}"


class BulkJobState(models.TextChoices):
    """How far a bulk change is."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class BulkJob(models.Model):
    """A change of many rows that a worker carries out."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grid = models.CharField(_("grid"), max_length=100)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    request = models.JSONField(_("request"))
    state = models.CharField(_("state"), max_length=20, choices=BulkJobState.choices, default=BulkJobState.QUEUED)
    rows_total = models.PositiveBigIntegerField(_("rows"), default=0)
    rows_done = models.PositiveBigIntegerField(_("rows done"), default=0)
    result = models.JSONField(_("result"), null=True)
    error_code = models.CharField(_("error code"), max_length=80, blank=True)
    error_detail = models.TextField(_("error"), blank=True)
    correlation_id = models.CharField(_("correlation id"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("bulk change")
        verbose_name_plural = _("bulk changes")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["owner", "state"], name="gridkit_bulk_owner")]

    def __str__(self) -> str:
        return f"{self.grid}: {self.state}"
