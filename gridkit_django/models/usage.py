"""What plugins used, by hour and process, and the processes that died while a plugin started."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.plugins import InstalledPlugin


class PluginUsageRecord(models.Model):
    """What one handler or method of a plugin did in one hour, as one process counted it.

    Each process writes rows of its own, so that they never wait for each other; readers add them up. ``name`` is empty
    for the plugin as a whole, ``process`` is empty for rows that were joined later.
    """

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="usage_records")
    name = models.CharField(_("handler"), max_length=300, blank=True)
    process = models.CharField(_("process"), max_length=300, blank=True)
    hour = models.DateTimeField(_("hour"))
    calls = models.PositiveBigIntegerField(_("calls"), default=0)
    errors = models.PositiveBigIntegerField(_("errors"), default=0)
    slow = models.PositiveBigIntegerField(_("slow calls"), default=0)
    skipped = models.PositiveBigIntegerField(_("skipped calls"), default=0)
    wall_ms = models.FloatField(_("wall time in ms"), default=0)
    cpu_ms = models.FloatField(_("processor time in ms"), default=0)
    histogram = models.JSONField(_("calls by duration"), default=dict)
    heap_bytes = models.PositiveBigIntegerField(_("heap in bytes"), null=True)

    class Meta:
        verbose_name = _("plugin usage")
        verbose_name_plural = _("plugin usage")
        ordering: ClassVar = ["plugin", "-hour", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "name", "process", "hour"], name="gridkit_plugin_usage_unique"),
        ]
        indexes: ClassVar = [models.Index(fields=["hour"], name="gridkit_usage_hour")]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.name} {self.hour}"


class PluginCrash(models.Model):
    """A process died while a plugin was in one of the steps of its life."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="crashes")
    revision = models.PositiveBigIntegerField(_("revision"))
    digest = models.CharField(_("content digest"), max_length=80, blank=True)
    step = models.CharField(_("step"), max_length=40)
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process id"))
    found_at = models.DateTimeField(_("found at"), auto_now_add=True)

    class Meta:
        verbose_name = _("plugin crash")
        verbose_name_plural = _("plugin crashes")
        ordering: ClassVar = ["-found_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.step} {self.host}:{self.pid}"
