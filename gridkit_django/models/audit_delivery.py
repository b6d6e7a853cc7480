"""Where sealed records are sent, and how far each destination has come."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class DeliveryState(models.TextChoices):
    """How a destination is."""

    READY = "ready", _("ready")
    WAITING = "waiting", _("waiting to try again")
    PARKED = "parked", _("parked: waits for a person")
    PAUSED = "paused", _("paused")


class AuditDestination(models.Model):
    """One place that gets every sealed record, in order, at least once; its cursor is the number of a seal."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=20, help_text=_("webhook, syslog, file, otlp or callable"))
    address = models.CharField(_("address"), max_length=500)
    format = models.CharField(_("format"), max_length=20, default="native")
    options = models.JSONField(_("options"), default=dict, blank=True)
    secret = models.JSONField(_("secret"), null=True, blank=True, help_text=_("encrypted; write-only"))
    managed_by = models.CharField(_("declared by"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=20, choices=DeliveryState.choices, default=DeliveryState.READY)
    cursor = models.BigIntegerField(_("last seal delivered"), default=0)
    offset = models.PositiveIntegerField(_("records of the next seal that were delivered"), default=0)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    leased_by = models.CharField(_("leased by"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("audit destination")
        verbose_name_plural = _("audit destinations")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
