"""Exports that are made again and again, each time anew as their owner."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ExportSchedule(models.Model):
    """What is exported when, and for whom. Each time, its owner's rights at that moment decide what is in the file."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    grid = models.CharField(_("grid"), max_length=100)
    view = models.UUIDField(_("saved view"), null=True, blank=True, help_text=_("Its id; the owner must see it."))
    query = models.JSONField(_("query"), default=dict, blank=True, help_text=_("Goes before what the view asks."))
    format = models.CharField(_("format"), max_length=40)
    options = models.JSONField(_("options"), default=dict, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Gets the file, and must be allowed to export the grid each time."),
    )
    cron = models.CharField(
        _("crontab"), max_length=100, help_text=_("minute hour day month weekday, as in: 30 6 * * mon-fri")
    )
    notify = models.BooleanField(_("tell the owner by mail"), default=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    next_run_at = models.DateTimeField(_("next export"), null=True, blank=True, db_index=True)
    last_run_at = models.DateTimeField(_("last export"), null=True, blank=True)
    last_error = models.TextField(_("why the last one was not made"), blank=True)

    class Meta:
        verbose_name = _("scheduled export")
        verbose_name_plural = _("scheduled exports")
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
