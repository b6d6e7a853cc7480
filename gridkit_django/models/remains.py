"""What is kept of a plugin that was uninstalled, until it comes again or somebody deletes it."""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


class PluginRemains(models.Model):
    """The configuration of a plugin that is not installed; its storage hangs on it."""

    plugin_id = models.CharField(_("plugin id"), max_length=200, unique=True)
    version = models.CharField(_("version"), max_length=64, blank=True)
    configs = models.JSONField(
        _("configurations"), default=list, encoder=DjangoJSONEncoder, help_text=_("in force by grid, secrets sealed")
    )
    config_schema = models.JSONField(_("configuration schema"), default=dict)
    storage_version = models.PositiveIntegerField(_("version of what it stores"), default=1)
    kept_at = models.DateTimeField(_("kept at"), auto_now_add=True)

    class Meta:
        verbose_name = _("kept plugin data")
        verbose_name_plural = _("kept plugin data")
        ordering: ClassVar = ["plugin_id"]

    def __str__(self) -> str:
        return self.plugin_id


class PluginRemainsItem(models.Model):
    """One key of the storage of a plugin that is not installed."""

    remains = models.ForeignKey(PluginRemains, on_delete=models.CASCADE, related_name="items")
    key = models.CharField(_("key"), max_length=200)
    value = models.JSONField(_("value"), encoder=DjangoJSONEncoder)
    size = models.PositiveIntegerField(_("size in bytes"))

    class Meta:
        verbose_name = _("kept plugin storage item")
        verbose_name_plural = _("kept plugin storage items")
        ordering: ClassVar = ["remains", "key"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["remains", "key"], name="gridkit_plugin_remains_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.remains}: {self.key}"
