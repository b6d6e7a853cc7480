"""Export jobs: what was asked for, by whom, and how far it is."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.export_schedules import ExportSchedule


class JobState(models.TextChoices):
    """How far a job is."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class JobStage(models.TextChoices):
    """What a running job does."""

    PLANNING = "planning", _("counting")
    WRITING = "writing", _("writing")
    JOINING = "joining", _("putting together")


class Consistency(models.TextChoices):
    """Of which moment the rows of a file are."""

    AUTO = "auto", _("one moment for files of one segment, else as each segment is read")
    LIVE = "live", _("as each segment is read")
    SNAPSHOT = "snapshot", _("one moment")


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
    schedule = models.ForeignKey(
        ExportSchedule, verbose_name=_("schedule"), on_delete=models.SET_NULL, null=True, related_name="jobs"
    )
    notify = models.BooleanField(_("tell the owner by mail"), default=False)
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
    language = models.CharField(_("language"), max_length=20, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    seen_at = models.DateTimeField(_("last sign of life"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    stage = models.CharField(_("stage"), max_length=20, choices=JobStage.choices, blank=True)
    rate = models.FloatField(_("rows a second"), null=True)
    bytes_done = models.PositiveBigIntegerField(_("bytes written"), default=0)
    consistency_asked = models.CharField(
        _("moment asked for"), max_length=10, choices=Consistency.choices, default=Consistency.AUTO
    )
    consistency = models.CharField(_("moment of the rows"), max_length=10, choices=Consistency.choices, blank=True)
    plan = models.JSONField(_("what the segments were made for"), default=dict)
    fence = models.PositiveBigIntegerField(_("number of the run"), default=0)
    lease_until = models.DateTimeField(_("belongs to its worker until"), null=True)
    handed_at = models.DateTimeField(_("handed to the task queue at"), null=True)
    retry_at = models.DateTimeField(_("tried again not before"), null=True)
    attempts = models.PositiveIntegerField(_("runs since it was asked for"), default=0)
    tries = models.PositiveIntegerField(_("failed runs since the last segment"), default=0)
    deaths = models.PositiveIntegerField(_("lost workers since the last segment"), default=0)

    class Meta:
        verbose_name = _("export job")
        verbose_name_plural = _("export jobs")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [
            models.Index(fields=["owner", "-created_at"], name="gridkit_export_owner"),
            models.Index(fields=["state", "created_at"], name="gridkit_export_state"),
        ]

    def __str__(self) -> str:
        return f"{self.grid} as {self.format}: {self.state}"

    @property
    def remarks(self) -> list[str]:
        """What the writer says of the finished file; it stands beside what the file was made for."""
        told: list[str] = self.plan.get("remarks", [])
        return told

    @property
    def progress(self) -> float:
        """How much is done, from 0 to 1; 1 only when the job is finished."""
        if self.state == JobState.FINISHED:
            return 1.0
        if not self.rows_total:
            return 0.0
        return min(self.rows_done / self.rows_total, 0.99)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take at the rate so far; None when nobody can tell."""
        if self.state != JobState.RUNNING or not self.rate or self.rows_total is None:
            return None
        return max(self.rows_total - self.rows_done, 0) / self.rate


class ExportSegment(models.Model):
    """A part of an unfinished file that lies in the storage: a row here means that the part is whole."""

    job = models.ForeignKey(ExportJob, verbose_name=_("job"), on_delete=models.CASCADE, related_name="segments")
    number = models.PositiveIntegerField(_("number"))
    rows = models.PositiveBigIntegerField(_("rows"))
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    bookmark = models.JSONField(_("where the next one goes on"))
    facts = models.JSONField(_("what the joining must know"), default=dict)
    file_name = models.CharField(_("name in the storage"), max_length=300)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("export segment")
        verbose_name_plural = _("export segments")
        ordering: ClassVar = ["job", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "number"], name="gridkit_export_segment_number")
        ]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.number}"
