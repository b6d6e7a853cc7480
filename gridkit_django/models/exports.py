"""Export jobs: what was asked for, by whom, and how far it is."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """How far a job is."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class ExportJob(models.Model):
    """One export: the frozen question (grid, query, format, owner) and the state of the answer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grid = models.CharField(_("grid"), max_length=100)
    query = models.JSONField(_("query"), default=dict)
    selection = models.JSONField(_("picked rows"), null=True)
    format = models.CharField(_("format"), max_length=40)
    options = models.JSONField(_("options"), default=dict)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.CASCADE, related_name="+"
    )
    state = models.CharField(_("state"), max_length=20, choices=JobState.choices, default=JobState.QUEUED)
    rows_done = models.PositiveBigIntegerField(_("rows written"), default=0)
    rows_total = models.PositiveBigIntegerField(_("rows in all"), null=True)
    cancel_requested = models.BooleanField(_("cancel requested"), default=False)
    file_name = models.CharField(_("name in the storage"), max_length=300, blank=True)
    download_name = models.CharField(_("name for the download"), max_length=200, blank=True)
    content_type = models.CharField(_("content type"), max_length=120, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"), default=0)
    error_code = models.CharField(_("error code"), max_length=80, blank=True)
    error_detail = models.TextField(_("error"), blank=True)
    correlation_id = models.CharField(_("correlation id"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    seen_at = models.DateTimeField(_("last sign of life"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)

    class Meta:
        verbose_name = _("export job")
        verbose_name_plural = _("export jobs")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["owner", "-created_at"], name="gridkit_export_owner")]

    def __str__(self) -> str:
        return f"{self.grid} as {self.format}: {self.state}"

    @property
    def progress(self) -> float:
        """How much is done, from 0 to 1; 1 only when the job is finished."""
        if self.state == JobState.FINISHED:
            return 1.0
        if not self.rows_total:
            return 0.0
        return min(self.rows_done / self.rows_total, 0.99)
