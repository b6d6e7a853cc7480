"""What this site knows of the marketplaces that it installs from: a copy of their lists, followed by a worker."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class CatalogSource(models.Model):
    """One marketplace, and how far its list was followed."""

    alias = models.CharField(_("name in the settings"), max_length=100, unique=True)
    url = models.CharField(_("address"), max_length=500)
    name = models.CharField(_("name"), max_length=200, blank=True)
    serial = models.PositiveBigIntegerField(_("serial"), default=0)
    refreshed_at = models.DateTimeField(_("followed at"), null=True)
    tried_at = models.DateTimeField(_("last tried at"), null=True)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    retry_at = models.DateTimeField(_("tried again not before"), null=True)
    error_code = models.CharField(_("error code"), max_length=80, blank=True)
    error = models.TextField(_("error"), blank=True)
    skipped = models.JSONField(_("entries that were left out, with the reason"), default=dict)

    advisories = models.JSONField(_("advisories"), default=list)
    obeyed = models.JSONField(_("advisories that were obeyed"), default=list)

    class Meta:
        verbose_name = _("marketplace")
        verbose_name_plural = _("marketplaces")
        ordering: ClassVar = ["alias"]

    def __str__(self) -> str:
        return self.name or self.alias


class CatalogEntry(models.Model):
    """One plugin of a marketplace, as it said last. Each id belongs to one marketplace."""

    source = models.ForeignKey(CatalogSource, on_delete=models.CASCADE, related_name="entries")
    plugin_id = models.CharField(_("plugin id"), max_length=200, unique=True)
    name = models.CharField(_("name"), max_length=200)
    summary = models.TextField(_("summary"))
    category = models.CharField(_("category"), max_length=50)
    tag_text = models.TextField(_("tags"), blank=True)
    words = models.TextField(_("words that are searched"))
    publisher = models.CharField(_("publisher"), max_length=200)
    verified = models.BooleanField(_("reviewed"), default=False)
    featured = models.BooleanField(_("featured"), default=False)
    free = models.BooleanField(_("free"), default=True)
    downloads = models.PositiveBigIntegerField(_("downloads"), default=0)
    rating = models.FloatField(_("rating"), null=True)
    updated_at = models.DateTimeField(_("updated at"), null=True)
    state = models.CharField(_("state"), max_length=20)
    latest_version = models.CharField(_("latest version"), max_length=64, blank=True)
    detail = models.JSONField(_("all that the marketplace says"))

    class Meta:
        verbose_name = _("plugin of a marketplace")
        verbose_name_plural = _("plugins of marketplaces")
        ordering: ClassVar = ["name", "plugin_id"]
        indexes: ClassVar = [
            models.Index(fields=["-downloads", "plugin_id"], name="gridkit_catalog_downloads"),
            models.Index(fields=["category"], name="gridkit_catalog_category"),
        ]
        permissions: ClassVar = [("browse_marketplace", _("Can browse the plugins of marketplaces"))]

    def __str__(self) -> str:
        return self.plugin_id


class RefreshState(models.TextChoices):
    """How far a refresh of the catalogue is."""

    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    """A marketplace could not be followed, or the worker was lost; the others were followed all the same."""


class CatalogRefresh(models.Model):
    """One time that the lists of marketplaces were followed: who asked, how far it is, what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("requested by"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("empty for one that came by itself"),
    )
    state = models.CharField(_("state"), max_length=20, choices=RefreshState.choices, default=RefreshState.QUEUED)
    progress = models.FloatField(_("progress"), default=0.0)
    results = models.JSONField(
        _("results"), default=dict, help_text=_("by marketplace: entries taken, removed and left out, seconds, error")
    )
    error = models.TextField(_("error"), blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    seen_at = models.DateTimeField(_("last sign of life at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("refresh of the catalogue")
        verbose_name_plural = _("refreshes of the catalogue")
        ordering: ClassVar = ["-created_at"]
        indexes: ClassVar = [models.Index(fields=["-created_at"], name="gridkit_refresh_newest")]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.created_at:%Y-%m-%d %H:%M}"
