"""What this site's marketplace says of versions that turned out bad, as administrators write it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AdvisoryChoice(models.TextChoices):
    """What a site should do about it."""

    WARN = "warn", _("warn: tell the administrators")
    DISABLE = "disable", _("disable: stop it; an administrator may start it again")
    BLOCK = "block", _("block: stop it, and never start or install it")


class MarketAdvisory(models.Model):
    """One warning about some versions of a plugin; the signed feed that sites follow is made from these rows."""

    name = models.CharField(_("id"), max_length=100, unique=True, help_text=_("Like GKA-2026-7; never changes."))
    plugin_id = models.CharField(_("plugin id"), max_length=200)
    versions = models.CharField(_("versions"), max_length=200, help_text=_("A range, like <1.4.2"))
    action = models.CharField(_("sites should"), max_length=10, choices=AdvisoryChoice.choices)
    reason = models.TextField(_("reason"), max_length=2000, help_text=_("One or two sentences; plain text."))
    url = models.URLField(_("more at"), max_length=500, blank=True)
    withdrawn = models.BooleanField(_("withdrawn"), default=False)
    signed = models.BooleanField(_("in the signed feed as it is here"), default=False, editable=False)
    published_at = models.DateTimeField(_("published at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("advisory")
        verbose_name_plural = _("advisories")
        ordering: ClassVar = ["-published_at", "-pk"]

    def __str__(self) -> str:
        return self.name
