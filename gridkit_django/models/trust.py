"""Signed metadata of marketplaces: what this site has believed last, and the turn of those who sign its own."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class TrustedMetadata(models.Model):
    """One file of signed metadata that this site believed; it never goes back to an older one."""

    marketplace = models.CharField(_("marketplace"), max_length=100)
    name = models.CharField(_("name"), max_length=100)
    version = models.PositiveBigIntegerField(_("version"))
    content = models.BinaryField(_("content"))
    seen_at = models.DateTimeField(_("last seen at"))

    class Meta:
        verbose_name = _("trusted metadata")
        verbose_name_plural = _("trusted metadata")
        ordering: ClassVar = ["marketplace", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["marketplace", "name"], name="gridkit_trusted_metadata_unique")
        ]

    def __str__(self) -> str:
        return f"{self.marketplace} {self.name} {self.version}"


class TrustedKeyList(models.Model):
    """The keys of a publisher that this site believes, as far as it has followed the signed list of a marketplace."""

    marketplace = models.CharField(_("marketplace"), max_length=100)
    publisher = models.CharField(_("publisher"), max_length=60)
    content = models.JSONField(_("list"))
    seen_at = models.DateTimeField(_("last followed at"))

    class Meta:
        verbose_name = _("trusted keys of a publisher")
        verbose_name_plural = _("trusted keys of publishers")
        ordering: ClassVar = ["marketplace", "publisher"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["marketplace", "publisher"], name="gridkit_trusted_keys_unique")
        ]

    def __str__(self) -> str:
        return f"{self.marketplace} @{self.publisher}"


class TrustTurn(models.Model):
    """One row: whoever signs metadata of this site's own marketplace holds it, so that one signs after the other."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    version = models.PositiveBigIntegerField(_("version"), default=0)
    signed_at = models.DateTimeField(_("signed at"), null=True)

    class Meta:
        verbose_name = _("turn of signing")
        verbose_name_plural = _("turns of signing")

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
