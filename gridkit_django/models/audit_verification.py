"""Verifications of the audit trail: how far one is, and what it found."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class VerificationState(models.TextChoices):
    """How far a verification is."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    GOOD = "good", _("nothing is wrong")
    FAULTY = "faulty", _("something is wrong")
    FAILED = "failed", _("could not be finished")


class AuditVerification(models.Model):
    """One verification of the trail of the database that it stands in.

    Attributes:
        seals_total: how many seals there were when it began.
        faults: the first of what is wrong, as ``kind``, ``detail``, ``seal`` and ``record``.
    """

    state = models.CharField(
        _("state"), max_length=10, choices=VerificationState.choices, default=VerificationState.QUEUED
    )
    requested_by = models.CharField(_("requested by"), max_length=200, blank=True)
    requested_at = models.DateTimeField(_("requested at"), default=timezone.now)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    seen_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    seals = models.BigIntegerField(_("seals verified"), default=0)
    seals_total = models.BigIntegerField(_("seals in all"), default=0)
    records = models.BigIntegerField(_("records verified"), default=0)
    unsealed = models.BigIntegerField(_("records without a seal"), default=0)
    fault_count = models.BigIntegerField(_("faults"), default=0)
    faults = models.JSONField(_("what is wrong"), default=list, blank=True)
    error = models.TextField(_("why it could not be finished"), blank=True)

    class Meta:
        verbose_name = _("audit verification")
        verbose_name_plural = _("audit verifications")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.requested_at:%Y-%m-%d %H:%M} {self.get_state_display()}"
