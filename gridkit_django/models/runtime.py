"""What is stored about the runtime: the generation all processes follow, the processes, operations, health."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.plugins import InstalledPlugin


class RuntimeGeneration(models.Model):
    """One row, one integer. It rises in the transaction of every change to plugins; readers never write it."""

    value = models.PositiveBigIntegerField(_("generation"), default=0)

    class Meta:
        verbose_name = _("runtime generation")
        verbose_name_plural = _("runtime generations")

    def __str__(self) -> str:
        return str(self.value)


class RuntimeProcess(models.Model):
    """One process of this site that runs plugins, as it last reported itself."""

    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process id"))
    kind = models.CharField(_("kind"), max_length=20)
    generation = models.PositiveBigIntegerField(_("generation"), default=0)
    plugins = models.JSONField(_("plugins"), default=dict)
    safe_mode = models.BooleanField(_("safe mode"), default=False)
    last_error = models.TextField(_("last error"), blank=True)
    ready = models.JSONField(_("digests of coming versions that it has"), default=list)
    unready = models.JSONField(_("digests of coming versions that it lacks, with the reason"), default=dict)
    figures = models.JSONField(
        _("figures"), default=dict, help_text=_("version, content, calls, errors and wall time by plugin")
    )
    started_at = models.DateTimeField(_("started at"))
    seen_at = models.DateTimeField(_("last seen at"))

    class Meta:
        verbose_name = _("process")
        verbose_name_plural = _("processes")
        ordering: ClassVar = ["host", "pid"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["host", "pid"], name="gridkit_process_unique")]

    def __str__(self) -> str:
        return f"{self.kind} {self.host}:{self.pid}"


class OperationKind(models.TextChoices):
    """What an operation does."""

    INSTALL = "install", _("install")
    ACTIVATE = "activate", _("activate")
    DEACTIVATE = "deactivate", _("deactivate")
    CONFIGURE = "configure", _("configure")
    RELOAD = "reload", _("reload")
    UPDATE = "update", _("update")
    ROLL_BACK = "roll_back", _("roll back")
    UNINSTALL = "uninstall", _("uninstall")


class OperationState(models.TextChoices):
    """How far an operation is."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    WAITING = "waiting", _("waits for consent")
    """It has ended, and nothing was changed: somebody has to decide what the version may do, or what may come along."""


class PluginOperation(models.Model):
    """A change to a plugin that a person asked for and a worker carries out, step by step."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=20, choices=OperationKind.choices)
    plugin_id = models.CharField(_("plugin id"), max_length=200)
    arguments = models.JSONField(_("arguments"), default=dict)
    state = models.CharField(_("state"), max_length=20, choices=OperationState.choices, default=OperationState.QUEUED)
    log = models.JSONField(_("log"), default=list)
    step = models.CharField(_("step"), max_length=40, blank=True)
    results = models.JSONField(
        _("what the finished steps left"), default=dict, blank=True, help_text=_("a step that is named here is done")
    )
    progress = models.FloatField(_("progress"), default=0.0)
    cancel_requested = models.BooleanField(_("cancel requested"), default=False)
    switch_anyway = models.BooleanField(
        _("switch anyway"), default=False, help_text=_("do not wait for hosts that do not have the files")
    )
    canary = models.JSONField(
        _("canary"), default=dict, blank=True, help_text=_("which process tried the new version first, and how it did")
    )
    worker = models.CharField(_("worker"), max_length=300, blank=True)
    fence = models.PositiveBigIntegerField(_("number of the run"), default=0)
    lease_until = models.DateTimeField(_("belongs to its worker until"), null=True)
    deaths = models.PositiveIntegerField(_("lost workers since the last finished step"), default=0)
    error_code = models.CharField(
        _("error code"), max_length=80, blank=True, help_text=_("while it runs: it is being undone")
    )
    error_detail = models.TextField(_("error"), blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("requested by"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("plugin operation")
        verbose_name_plural = _("plugin operations")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["state", "lease_until"], name="gridkit_operation_state")]

    def __str__(self) -> str:
        return f"{self.kind} {self.plugin_id}"


class HealthStatus(models.TextChoices):
    """The verdict of a health check."""

    HEALTHY = "healthy", _("healthy")
    DEGRADED = "degraded", _("degraded")
    UNHEALTHY = "unhealthy", _("unhealthy")


class HealthCheckResult(models.Model):
    """One health check of one plugin."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="health_results")
    status = models.CharField(_("status"), max_length=20, choices=HealthStatus.choices)
    message = models.TextField(_("message"), blank=True)
    details = models.JSONField(_("details"), default=dict)
    duration_ms = models.FloatField(_("duration in ms"))
    checked_at = models.DateTimeField(_("checked at"), auto_now_add=True)

    class Meta:
        verbose_name = _("health check")
        verbose_name_plural = _("health checks")
        ordering: ClassVar = ["-checked_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["plugin", "-checked_at"], name="gridkit_health_latest")]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.status}"
