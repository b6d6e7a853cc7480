"""What is stored about the jobs of plugins: when they are due, and how each run went."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.plugins import InstalledPlugin


class PluginSchedule(models.Model):
    """When one job of a plugin runs by itself. The administrator may pause it; the plugin says how often."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="schedules")
    job = models.CharField(_("job"), max_length=64)
    label = models.CharField(_("label"), max_length=200)
    every_seconds = models.PositiveIntegerField(_("interval in seconds"), null=True, blank=True)
    cron = models.CharField(_("crontab"), max_length=100, blank=True, help_text=_("minute hour day month weekday"))
    enabled = models.BooleanField(_("enabled"), default=True)
    next_run_at = models.DateTimeField(_("next run at"))
    last_run_at = models.DateTimeField(_("last run at"), null=True, blank=True)

    class Meta:
        verbose_name = _("plugin schedule")
        verbose_name_plural = _("plugin schedules")
        ordering: ClassVar = ["plugin", "job"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "job"], name="gridkit_plugin_schedule_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.job}"


class JobRunState(models.TextChoices):
    """How far a run is."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")


class PluginJobRun(models.Model):
    """One run of a plugin's job in a worker."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="job_runs")
    job = models.CharField(_("job"), max_length=64)
    arguments = models.JSONField(_("arguments"), default=dict)
    scheduled = models.BooleanField(_("by its schedule"), default=False)
    generation = models.PositiveBigIntegerField(_("least generation"), default=0)
    state = models.CharField(_("state"), max_length=20, choices=JobRunState.choices, default=JobRunState.QUEUED)
    result = models.JSONField(_("result"), null=True)
    error_code = models.CharField(_("error code"), max_length=80, blank=True)
    error_detail = models.TextField(_("error"), blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("requested by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("plugin job run")
        verbose_name_plural = _("plugin job runs")
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["plugin", "-created_at"], name="gridkit_job_run_latest")]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.job} {self.state}"
