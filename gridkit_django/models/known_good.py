"""How each plugin stood when all was well for a while, so that one can go back to that."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.plugins import InstalledPlugin, PluginVersion


class KnownGood(models.Model):
    """Version, configuration and permissions of one plugin as they stood when it was healthy for a set time."""

    plugin = models.OneToOneField(InstalledPlugin, on_delete=models.CASCADE, related_name="known_good")
    version = models.ForeignKey(PluginVersion, on_delete=models.CASCADE, related_name="+")
    revision = models.PositiveBigIntegerField(_("revision of the plugin"))
    configs = models.JSONField(_("configurations"), default=dict, help_text=_("revision in force, by grid"))
    grants = models.JSONField(_("permissions"), default=dict, help_text=_("decision by permission"))
    noted_at = models.DateTimeField(_("noted at"))

    class Meta:
        verbose_name = _("last known good state")
        verbose_name_plural = _("last known good states")
        ordering: ClassVar = ["plugin"]

    def __str__(self) -> str:
        return f"{self.plugin} {self.version.version}"
