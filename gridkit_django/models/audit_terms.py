"""How long records are kept: what must stay, and receipts of what went."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AuditHold(models.Model):
    """A legal hold: no record that fits it is removed while it stands. Empty fields fit everything."""

    name = models.CharField(_("name"), max_length=200)
    reason = models.TextField(_("reason"))
    target_type = models.CharField(_("target type"), max_length=100, blank=True)
    target_id = models.CharField(_("target id"), max_length=200, blank=True)
    actor_id = models.CharField(_("actor id"), max_length=200, blank=True)
    since = models.DateTimeField(_("records from"), null=True, blank=True)
    until = models.DateTimeField(_("records before"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    created_by = models.CharField(_("created by"), max_length=200, blank=True)
    released_at = models.DateTimeField(_("released at"), null=True, blank=True)

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering: ClassVar = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.name


class AuditPurge(models.Model):
    """The receipt of one purge: which sealed records went, their roots, and where the archive is."""

    first_id = models.BigIntegerField(_("first record"))
    last_id = models.BigIntegerField(_("last record"))
    count = models.BigIntegerField(_("records"))
    spans = models.JSONField(_("removed records"), help_text=_("[first id, last id] of each unbroken run"))
    leaves = models.JSONField(_("digests"), help_text=_("what verification needs of seals that lost some records"))
    key_id = models.CharField(_("signing key"), max_length=64)
    signature = models.BinaryField(_("signature"))
    archive = models.CharField(_("archive"), max_length=300, blank=True)
    archive_digest = models.CharField(_("digest of the archive"), max_length=64, blank=True)
    removed_at = models.DateTimeField(_("removed at"), default=timezone.now)

    class Meta:
        verbose_name = _("audit purge")
        verbose_name_plural = _("audit purges")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.first_id} to {self.last_id}"
