"""What sites report to the marketplace. A report is a row of its own; sums are made later, so that no row is hot."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.market_listings import Listing


class MarketEventKind(models.TextChoices):
    """What a site did with a plugin."""

    DOWNLOAD = "download", _("download")
    INSTALL = "install", _("install")
    UPDATE = "update", _("update")
    UNINSTALL = "uninstall", _("uninstall")


class MarketEvent(models.Model):
    """What a site did on a day; the same again is no second row."""

    listing = models.ForeignKey(Listing, verbose_name=_("listing"), on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=MarketEventKind.choices)
    day = models.DateField(_("day"))
    site = models.CharField(_("site"), max_length=64)
    version = models.CharField(_("version"), max_length=64)
    core_version = models.CharField(_("version of GridKit"), max_length=64, blank=True)
    counted = models.BooleanField(_("in the sums"), default=False)

    class Meta:
        verbose_name = _("report of a site")
        verbose_name_plural = _("reports of sites")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["listing", "kind", "day", "site", "version"], name="gridkit_market_event_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(counted=False), name="gridkit_market_event_new"),
            models.Index(fields=["day"], name="gridkit_market_event_day"),
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} {self.kind} {self.day}"


class MarketDay(models.Model):
    """How many sites did something with a version of a plugin on a day."""

    listing = models.ForeignKey(Listing, verbose_name=_("listing"), on_delete=models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    kind = models.CharField(_("kind"), max_length=10, choices=MarketEventKind.choices)
    version = models.CharField(_("version"), max_length=64)
    core_version = models.CharField(_("version of GridKit"), max_length=64, blank=True)
    count = models.PositiveBigIntegerField(_("sites"), default=0)

    class Meta:
        verbose_name = _("day of a listing")
        verbose_name_plural = _("days of listings")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["listing", "day", "kind", "version", "core_version"], name="gridkit_market_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} {self.day} {self.kind}: {self.count}"


class MarketSite(models.Model):
    """A site that has (or had) a plugin installed, and what it thinks of it. The site is a salted hash."""

    listing = models.ForeignKey(Listing, verbose_name=_("listing"), on_delete=models.CASCADE, related_name="sites")
    site = models.CharField(_("site"), max_length=64)
    installed = models.BooleanField(_("installed"), default=True)
    version = models.CharField(_("version"), max_length=64)
    rating = models.PositiveSmallIntegerField(_("rating"), null=True)
    rated_at = models.DateTimeField(_("rated at"), null=True)
    seen_at = models.DateTimeField(_("last report"), default=timezone.now)

    class Meta:
        verbose_name = _("site that has a plugin")
        verbose_name_plural = _("sites that have plugins")
        constraints: ClassVar = [models.UniqueConstraint(fields=["listing", "site"], name="gridkit_market_site_once")]

    def __str__(self) -> str:
        return f"{self.listing_id} {self.site[:8]}"


class ReportReason(models.TextChoices):
    """Why somebody reports a plugin."""

    MALWARE = "malware", _("does harm")
    SQUATTING = "squatting", _("takes somebody's name")
    BROKEN = "broken", _("does not work")
    CONTENT = "content", _("unfit content")
    OTHER = "other", _("something else")


class ListingReport(models.Model):
    """What somebody tells the administrators about a plugin."""

    listing = models.ForeignKey(Listing, verbose_name=_("listing"), on_delete=models.CASCADE, related_name="reports")
    reason = models.CharField(_("reason"), max_length=12, choices=ReportReason.choices)
    text = models.TextField(_("text"), max_length=5000)
    contact = models.EmailField(_("contact"), blank=True)
    version = models.CharField(_("version"), max_length=64, blank=True)
    closed = models.BooleanField(_("dealt with"), default=False)
    answer = models.TextField(_("what was done"), blank=True)
    created_at = models.DateTimeField(_("reported at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("report about a plugin")
        verbose_name_plural = _("reports about plugins")
        ordering: ClassVar = ["closed", "-created_at"]

    def __str__(self) -> str:
        return f"{self.listing}: {self.get_reason_display()}"
