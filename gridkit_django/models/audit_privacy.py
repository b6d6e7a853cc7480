"""Keys of the people that audit records speak of: a destroyed key makes their values unreadable for ever."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AuditSubjectKey(models.Model):
    """The data key of one person (or other subject), wrapped by a key of the site."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.CharField(_("subject"), max_length=64, help_text=_("keyed digest of the subject's type and id"))
    wrapped = models.BinaryField(_("wrapped key"), null=True, help_text=_("NULL once it was destroyed"))
    master_id = models.CharField(_("master key"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True)

    class Meta:
        verbose_name = _("subject key")
        verbose_name_plural = _("subject keys")
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject"], condition=models.Q(erased_at=None), name="gridkit_subject_key_unique"
            )
        ]
        permissions: ClassVar = [
            ("decrypt_audit", "Can read encrypted values of audit records"),
            ("erase_subject", "Can erase a person from the audit trail"),
        ]

    def __str__(self) -> str:
        return str(self.id)
