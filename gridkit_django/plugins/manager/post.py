"""The outbox of plugins, as administrators and the worker see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from gridkit_django.audit import Target, record
from gridkit_django.exceptions import OutboxChannelError
from gridkit_django.models import OutboxChannel, OutboxDeadLetter
from gridkit_django.outbox import control
from gridkit_django.outbox.tending import due_places, expire_waiting, keep_figures
from gridkit_django.plugins.change import acting_as
from gridkit_django.plugins.manager.base import ManagerPart
from gridkit_django.plugins.outbox import send_channel
from gridkit_django.plugins.outbox_list import ChannelInfo, list_channels
from gridkit_django.plugins.savepoints import database
from gridkit_django.typing import User


class Post(ManagerPart):
    """What plugins send out of the house."""

    def send_outbox(self, plugin_id: str, channel: str, seconds: float) -> bool:
        """Send what is due in a channel; whether to go on soon, because time was over before the messages were.

        Args:
            plugin_id: the plugin; nothing is sent when it is not at work in this process.
            channel: the channel's name.
            seconds: after so many no new batch is begun.
        """
        report = send_channel(self.runtime.live.get(plugin_id), channel, seconds)
        return report is not None and not report.is_over and not report.reason

    def due_outbox_channels(self) -> list[tuple[str, str]]:
        """Return plugin id and name of each channel that may be sent now, after removing what waited too long."""
        keep_figures()
        expire_waiting()
        open_here = {entry.place: live for live in self.runtime.live.values() for entry in live.channels.values()}
        due = due_places({place: live.spec.revision for place, live in open_here.items()})
        return [(open_here[place].plugin_id, place.channel) for place in due]

    def list_outbox_channels(self) -> tuple[ChannelInfo, ...]:
        """Return the channels of all plugins with what waits in them, by plugin and name; loads no plugin for that."""
        return list_channels(self.runtime.live)

    def pause_outbox_channel(self, plugin_id: str, channel: str, *, user: User | None = None) -> None:
        """Send nothing of a channel for now; recorded as ``outbox.pause``.

        Raises:
            OutboxChannelError: when there is no such channel.
        """
        self._act("pause", control.pause, plugin_id, channel, user)

    def resume_outbox_channel(self, plugin_id: str, channel: str, *, user: User | None = None) -> None:
        """Send what waits in a channel now, whatever it was held or waited for; recorded as ``outbox.resume``.

        Raises:
            OutboxChannelError: when there is no such channel.
        """
        self._act("resume", control.resume, plugin_id, channel, user)

    def replay_dead_letters(
        self,
        letters: QuerySet[OutboxDeadLetter],
        *,
        user: User | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> int:
        """Put dead letters back into their channels under the same keys; return how many.

        Args:
            letters: which; the rights of whoever asks were judged.
            user: who asks.
            evidence: how they were chosen; recorded with their number as ``outbox.replay``, one record a channel.
        """
        return self._dispose("replay", control.replay, letters, user, evidence or {})

    def discard_dead_letters(
        self,
        letters: QuerySet[OutboxDeadLetter],
        *,
        user: User | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> int:
        """Delete dead letters; return how many. Recorded as ``outbox.discard``, see ``replay_dead_letters``."""
        return self._dispose("discard", control.discard, letters, user, evidence or {})

    def _act(self, verb: str, act: Any, plugin_id: str, channel: str, user: User | None) -> None:
        rows = OutboxChannel.objects.using(database()).select_related("plugin")
        row = rows.filter(plugin__plugin_id=plugin_id, name=channel).first()
        if row is None:
            raise OutboxChannelError(f"{plugin_id} has no channel {channel!r}.")
        with acting_as(user), transaction.atomic(using=database()):
            if act(row):
                record(f"outbox.{verb}", target=Target.plugin(plugin_id), evidence={"channel": channel})

    def _dispose(
        self,
        verb: str,
        act: Any,
        letters: QuerySet[OutboxDeadLetter],
        user: User | None,
        evidence: Mapping[str, Any],
    ) -> int:
        total = 0
        with acting_as(user), transaction.atomic(using=database()):
            names = letters.order_by().values_list("plugin__plugin_id", "channel").distinct()
            for plugin_id, channel in sorted(names):
                number = act(letters.filter(plugin__plugin_id=plugin_id, channel=channel))
                facts = {**evidence, "channel": channel, "letters": number}
                record(f"outbox.{verb}", target=Target.plugin(plugin_id), evidence=facts)
                total += number
        return total
