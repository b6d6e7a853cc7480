"""What proves the audit trail: seals over batches of records, the keys that sign them, and checkpoints."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.append_only import AppendOnlyModel, AppendOnlyQuerySet


class AuditSigningKey(models.Model):
    """A key that signs seals. Only its public half is here; the private one is outside the database."""

    key_id = models.CharField(_("key id"), max_length=64, unique=True)
    public_key = models.BinaryField(_("public key"), help_text=_("32 bytes, Ed25519 (RFC 8032)"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering: ClassVar = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.key_id


class AuditSeal(AppendOnlyModel):
    """One sealed batch: the root of a Merkle tree over its records, tied to the seal before it, and signed."""

    number = models.BigIntegerField(_("number"), primary_key=True, help_text=_("1, 2, 3, … without a gap"))
    spans = models.JSONField(_("records"), help_text=_("[first id, last id] of each unbroken run of record ids"))
    count = models.PositiveIntegerField(_("records"))
    first_id = models.BigIntegerField(_("first record"))
    last_id = models.BigIntegerField(_("last record"))
    total = models.BigIntegerField(_("records until here"))
    low = models.BigIntegerField(_("complete up to"), help_text=_("all records up to this id are sealed"))
    root = models.BinaryField(_("root"))
    marks = models.BinaryField(_("marks"), help_text=_("the first 8 bytes of the digest of each record, by id"))
    previous = models.BinaryField(_("digest of the seal before"))
    digest = models.BinaryField(_("digest of this seal"))
    key_id = models.CharField(_("signing key"), max_length=64)
    signature = models.BinaryField(_("signature"))
    sealed_at = models.DateTimeField(_("sealed at"), default=timezone.now)
    waiting = models.JSONField(
        _("waiting for"), null=True, blank=True, help_text=_("open transactions at the time, and the newest id then")
    )

    REFUSAL: ClassVar = "Seals are written once; the ones after them are made from them."

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        ordering: ClassVar = ["-number"]
        indexes: ClassVar = [models.Index(fields=["last_id"], name="gridkit_seal_last")]

    def __str__(self) -> str:
        return str(self.number)


class AuditCheckpoint(models.Model):
    """What left the machine: the number, size and digest of a seal, signed, so that a cut tail is seen."""

    seal_number = models.BigIntegerField(_("seal"))
    total = models.BigIntegerField(_("records until here"))
    digest = models.BinaryField(_("digest of the seal"))
    text = models.TextField(_("signed text"))
    key_id = models.CharField(_("signing key"), max_length=64)
    signature = models.BinaryField(_("signature"))
    made_at = models.DateTimeField(_("made at"), default=timezone.now)
    told_at = models.DateTimeField(_("left the machine at"), null=True, blank=True)

    class Meta:
        verbose_name = _("audit checkpoint")
        verbose_name_plural = _("audit checkpoints")
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return str(self.seal_number)
