"""Who publishes on this site's marketplace: publishers, the keys that sign for them, and their tokens."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class IdentityState(models.TextChoices):
    """Whether it is proved who a publisher is. It says nothing about the publisher's code."""

    UNPROVED = "unproved", _("not proved")
    WAITING = "waiting", _("waits for its proof")
    PROVED = "proved", _("proved")
    LOST = "lost", _("proof is gone")


class IdentityWay(models.TextChoices):
    """How an identity is proved."""

    DNS = "dns", _("TXT record of a domain")
    WEB = "web", _("file on a website")
    ADMIN = "admin", _("an administrator looked")


class KeyState(models.TextChoices):
    """What a publisher's key is good for."""

    NEW = "new", _("new: its releases wait for review")
    TRUSTED = "trusted", _("trusted")
    RETIRED = "retired", _("retired: what it signed stays")
    REVOKED = "revoked", _("revoked")


class Publisher(models.Model):
    """A person, team or company that publishes plugins under ``@name/``."""

    name = models.CharField(_("name"), max_length=60, unique=True, help_text=_("The plugins are called @name/…"))
    folded = models.CharField(_("name without look-alikes"), max_length=60, unique=True, editable=False)
    display_name = models.CharField(_("shown as"), max_length=100)
    email = models.EmailField(_("contact"), blank=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("members"),
        blank=True,
        related_name="+",
        help_text=_("May see its figures."),
    )
    mails_off = models.JSONField(_("wants no mails about"), default=list, blank=True)
    suspended = models.BooleanField(
        _("suspended"), default=False, help_text=_("May not publish until this is taken back.")
    )
    identity_state = models.CharField(
        _("identity"), max_length=10, choices=IdentityState.choices, default=IdentityState.UNPROVED
    )
    identity_way = models.CharField(_("proved by"), max_length=10, choices=IdentityWay.choices, blank=True)
    identity_domain = models.CharField(_("domain"), max_length=253, blank=True)
    identity_token = models.CharField(_("text that proves it"), max_length=64, blank=True, editable=False)
    identity_note = models.TextField(_("what the last look found"), blank=True)
    identity_checked_at = models.DateTimeField(_("looked at"), null=True, blank=True)
    identity_proved_at = models.DateTimeField(_("proved at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("publisher")
        verbose_name_plural = _("publishers")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def identity_proved(self) -> bool:
        """Whether its identity is proved now."""
        return self.identity_state == IdentityState.PROVED


class PublisherKey(models.Model):
    """A public key that signs releases of a publisher (Ed25519, 32 bytes in base64)."""

    publisher = models.ForeignKey(Publisher, verbose_name=_("publisher"), on_delete=models.CASCADE, related_name="keys")
    public_key = models.CharField(_("public key"), max_length=64, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=KeyState.choices, default=KeyState.NEW)
    first_seen_at = models.DateTimeField(_("first seen at"), default=timezone.now, editable=False)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked as of"), null=True, blank=True)

    class Meta:
        verbose_name = _("publisher key")
        verbose_name_plural = _("publisher keys")
        ordering: ClassVar = ["-first_seen_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.public_key[:12]}… ({self.publisher})"

    @property
    def ended_at(self) -> datetime | None:
        """From when on it signs for nothing; None while it signs."""
        return {KeyState.RETIRED: self.retired_at, KeyState.REVOKED: self.revoked_at}.get(KeyState(self.state))


class PublisherKeyStatement(models.Model):
    """One statement of the signed list of a publisher's keys. The list only grows."""

    publisher = models.ForeignKey(
        Publisher, verbose_name=_("publisher"), on_delete=models.CASCADE, related_name="key_statements"
    )
    serial = models.PositiveIntegerField(_("serial"))
    body = models.JSONField(_("statement"))
    made_at = models.DateTimeField(_("taken in at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("statement about a publisher's keys")
        verbose_name_plural = _("statements about publishers' keys")
        ordering: ClassVar = ["publisher", "serial"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["publisher", "serial"], name="gridkit_key_statement_once")
        ]

    def __str__(self) -> str:
        return f"{self.publisher} {self.serial}"


class PublisherToken(models.Model):
    """What a publisher's tools show to publish; only its digest is stored."""

    publisher = models.ForeignKey(
        Publisher, verbose_name=_("publisher"), on_delete=models.CASCADE, related_name="tokens"
    )
    name = models.CharField(
        _("name"), max_length=100, help_text=_("Where it is used, so that you know which to revoke.")
    )
    start = models.CharField(_("begins with"), max_length=16, editable=False)
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("may"), default=list)
    plugins = models.JSONField(_("only for these plugins"), default=list, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires at"))
    warned_at = models.DateTimeField(_("publisher warned at"), null=True, editable=False)
    last_used_at = models.DateTimeField(_("last used at"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("publisher token")
        verbose_name_plural = _("publisher tokens")
        ordering: ClassVar = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"
