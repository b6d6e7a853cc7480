"""What is on its way out of the house: messages by channel of a plugin, what became of them, how each channel is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gridkit_django.models.plugins import InstalledPlugin

CHANNEL_LENGTH = 64
KEY_LENGTH = 100


class OutboxMessage(models.Model):
    """One message that waits. It is written in the transaction of what it tells of, and gone once it was delivered.

    It names its channel by plugin and name, so that writing it asks for no other row and waits for nobody.
    """

    # Without a constraint: checking it would lock the plugin's row, which every edit of every user would share.
    plugin = models.ForeignKey(
        InstalledPlugin, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    channel = models.CharField(_("channel"), max_length=CHANNEL_LENGTH)
    key = models.CharField(_("deduplication key"), max_length=KEY_LENGTH)
    payload = models.TextField(_("payload"), help_text=_("JSON text"))
    size = models.PositiveIntegerField(_("size in bytes"))
    put_at = models.DateTimeField(_("put at"), default=timezone.now)
    due_at = models.DateTimeField(_("not before"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("failed tries"), default=0)

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [models.Index(fields=["plugin", "channel", "id"], name="gridkit_outbox_order")]

    def __str__(self) -> str:
        return f"{self.channel}: {self.key}"


class ChannelState(models.TextChoices):
    """How a channel is, whatever an administrator wishes."""

    READY = "ready", _("ready")
    WAITING = "waiting", _("waiting to try again")
    HELD = "held", _("held: waits for a person")


class OutboxChannel(models.Model):
    """One channel of a plugin, as the workers that send for it know it. Only they and administrators write it."""

    plugin = models.ForeignKey(
        InstalledPlugin, verbose_name=_("plugin"), on_delete=models.CASCADE, related_name="outbox_channels"
    )
    name = models.CharField(_("channel"), max_length=CHANNEL_LENGTH)
    is_local = models.BooleanField(_("stays in the house"), default=False)
    paused = models.BooleanField(_("paused"), default=False, help_text=_("an administrator wants nothing sent for now"))
    state = models.CharField(_("state"), max_length=20, choices=ChannelState.choices, default=ChannelState.READY)
    state_code = models.CharField(_("reason code"), max_length=80, blank=True)
    state_reason = models.TextField(_("reason"), blank=True)
    state_response = models.TextField(_("last response or error"), blank=True)
    state_revision = models.PositiveBigIntegerField(
        _("revision of the plugin"), default=0, help_text=_("held with; another one is tried at once")
    )
    batch_max = models.PositiveIntegerField(_("messages in a batch at most"), default=500)
    batch_now = models.PositiveIntegerField(
        _("messages in a batch now"), default=500, help_text=_("fewer after a batch was too large")
    )
    bytes_max = models.PositiveIntegerField(_("bytes in a batch at most"), default=1_000_000)
    max_age_seconds = models.PositiveIntegerField(_("seconds that a message is kept"), default=7 * 86_400)
    max_messages = models.PositiveIntegerField(_("messages that wait at most"), default=100_000)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    deaths = models.PositiveIntegerField(_("workers that died in a row"), default=0)
    dead_in_row = models.PositiveIntegerField(_("dead letters in a row"), default=0)
    next_try_at = models.DateTimeField(_("next try"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    leased_by = models.CharField(_("leased by"), max_length=100, blank=True)
    fence = models.PositiveBigIntegerField(_("lease number"), default=0)
    delivered = models.PositiveBigIntegerField(_("delivered"), default=0)
    again = models.PositiveBigIntegerField(_("tried again"), default=0)
    dead = models.PositiveBigIntegerField(_("became dead letters"), default=0)
    expired = models.PositiveBigIntegerField(_("expired"), default=0)
    dropped = models.PositiveBigIntegerField(_("dropped because the channel was full"), default=0)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("outbox channel")
        verbose_name_plural = _("outbox channels")
        ordering: ClassVar = ["plugin", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "name"], name="gridkit_outbox_channel_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin}: {self.name}"


class OutboxDeadLetter(models.Model):
    """A message that was refused for good. An administrator replays or discards it."""

    plugin = models.ForeignKey(InstalledPlugin, verbose_name=_("plugin"), on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(_("channel"), max_length=CHANNEL_LENGTH)
    key = models.CharField(_("deduplication key"), max_length=KEY_LENGTH, db_index=True)
    payload = models.TextField(_("payload"), help_text=_("JSON text"))
    size = models.PositiveIntegerField(_("size in bytes"))
    put_at = models.DateTimeField(_("put at"))
    attempts = models.PositiveSmallIntegerField(_("failed tries"), default=0)
    died_at = models.DateTimeField(_("refused at"), default=timezone.now)
    reason = models.TextField(_("reason"))
    status = models.PositiveSmallIntegerField(_("status of the last response"), null=True, blank=True)
    response = models.TextField(_("last response or error"), blank=True)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        ordering: ClassVar = ["-died_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["plugin", "channel", "-died_at"], name="gridkit_outbox_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.key}"


class OutboxHour(models.Model):
    """What became of the messages of one channel in one hour."""

    plugin = models.ForeignKey(InstalledPlugin, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(_("channel"), max_length=CHANNEL_LENGTH)
    hour = models.DateTimeField(_("hour"))
    delivered = models.PositiveBigIntegerField(_("delivered"), default=0)
    again = models.PositiveBigIntegerField(_("tried again"), default=0)
    dead = models.PositiveBigIntegerField(_("became dead letters"), default=0)
    expired = models.PositiveBigIntegerField(_("expired"), default=0)
    dropped = models.PositiveBigIntegerField(_("dropped because the channel was full"), default=0)

    class Meta:
        verbose_name = _("hour of an outbox channel")
        verbose_name_plural = _("hours of outbox channels")
        ordering: ClassVar = ["plugin", "channel", "hour"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plugin", "channel", "hour"], name="gridkit_outbox_hour_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.hour}"
