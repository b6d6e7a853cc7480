"""The channels of a plugin at work in this process: opened, written to, and carried for by a worker."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from signal import SIGTERM
from typing import Any

from gridkit_django.exceptions import OutboxChannelError, PluginError, PluginLimitError
from gridkit_django.models import InstalledPlugin
from gridkit_django.outbox import (
    Alarm,
    ChannelLimits,
    OutgoingMessage,
    OutgoingRequest,
    OutgoingResponse,
    Place,
    Room,
    TurnReport,
    Verdict,
    default_judge,
    read_messages,
    send_waiting,
    store_or_hold,
)
from gridkit_django.outbox.putting import NewMessage
from gridkit_django.plugins.backend import Unsubscribe
from gridkit_django.plugins.config import secrets_of
from gridkit_django.plugins.job_calls import JobStats
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.outbox_calls import NewBatch, OpenChannel, RegisteredChannel
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.requests import note_request
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.secret_values import without_secrets

logger = logging.getLogger("gridkit_django.plugins")

CHANNELS_MAX = 20
_TOLD_TO_END = -(256 - SIGTERM)
"""With what a child of Celery's pool leaves when it is told to end, out of whatever code it is in."""


def open_channel(live: LivePlugin, channel: RegisteredChannel) -> Unsubscribe:
    """Open a channel of a plugin, and return a function that closes it.

    Raises:
        OutboxChannelError: when it is open already.
        PluginLimitError: over ``CHANNELS_MAX`` channels.
    """
    if channel.name in live.channels:
        raise OutboxChannelError(f"{live.plugin_id} has opened the channel {channel.name!r} already.")
    if len(live.channels) >= CHANNELS_MAX:
        raise PluginLimitError(f"{live.plugin_id} has {CHANNELS_MAX} channels, the most that a plugin may have.")
    place = Place(_row_of(live.plugin_id), channel.name)
    entry = OpenChannel(
        channel,
        JobStats(f"outbox {channel.name}"),
        Alarm(live.plugin_id, channel.name),
        Room(place, channel.limits.max_messages),
        place,
    )
    live.channels = {**live.channels, channel.name: entry}

    def close() -> None:
        live.channels = {name: item for name, item in live.channels.items() if item is not entry}

    return close


def put_messages(live: LivePlugin, batches: Mapping[str, NewBatch]) -> dict[str, list[str]]:
    """Write messages down in the transaction under way, in one statement; return their keys by channel.

    Raises:
        OutboxChannelError: when a channel is not open.
        OutboxMessageError: when one of them can't be put; none is then.
    """
    read = [(_opened(live, name), read_messages(*batch)) for name, batch in batches.items()]
    taken = [(entry, messages[: _room_for(entry, messages)]) for entry, messages in read]
    store_or_hold([(entry.place, message) for entry, messages in taken for message in messages])
    for entry, messages in taken:
        if messages:
            entry.alarm.set()
    return {entry.channel.name: [message.key for message in messages] for entry, messages in read}


def _opened(live: LivePlugin, name: str) -> OpenChannel:
    entry = live.channels.get(name)
    if entry is None:
        known = ", ".join(sorted(live.channels)) or "none"
        raise OutboxChannelError(f"{live.plugin_id} has opened no channel {name!r}. Its channels are: {known}.")
    return entry


def _room_for(entry: OpenChannel, messages: Sequence[NewMessage]) -> int:
    return entry.room.take(len(message.text) for message in messages)


def send_channel(live: LivePlugin | None, name: str, seconds: float) -> TurnReport | None:
    """Send what is due in a channel of a plugin at work in this process.

    None when the plugin is not at work here or does not open it, when it is not its time, or another worker is at it.
    """
    entry = None if live is None else live.channels.get(name)
    if live is None or entry is None:
        return None
    return send_waiting(entry.place, PluginCarrier(live, entry), seconds)


class PluginCarrier:
    """The code of a plugin's channel, guarded and counted like every call into a plugin.

    Args:
        live: the plugin.
        entry: its channel.
    """

    def __init__(self, live: LivePlugin, entry: OpenChannel) -> None:
        self._live = live
        self._entry = entry

    @property
    def limits(self) -> ChannelLimits:
        """How much the channel holds and sends at once."""
        return self._entry.channel.limits

    @property
    def revision(self) -> int:
        """The revision of the plugin that is at work here."""
        return self._live.spec.revision

    @property
    def is_local(self) -> bool:
        """Whether the plugin takes the messages itself."""
        return self._entry.channel.deliver is not None

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Let the plugin make the request that carries a batch.

        Raises:
            PluginError: when it returned something else.
            Exception: what the plugin raised.
        """
        found = self._call(self._entry.channel.prepare, messages)
        if not isinstance(found, OutgoingRequest):
            raise PluginError(f"prepare returned a {type(found).__name__}; it returns an OutgoingRequest.")
        return found

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Let the plugin say what a response means.

        Raises:
            PluginError: when it returned something else.
            Exception: what the plugin raised.
        """
        if self._entry.channel.judge is None:
            return default_judge(messages, response)
        found = self._call(self._entry.channel.judge, messages, response)
        if not isinstance(found, Verdict):
            raise PluginError(f"judge returned a {type(found).__name__}; it returns a Verdict.")
        return found

    def deliver(self, messages: tuple[OutgoingMessage, ...]) -> None:
        """Let the plugin take a batch, in this transaction.

        Raises:
            Exception: what the plugin raised.
        """
        self._call(self._entry.channel.deliver, messages)

    def may_reach(self, host: str) -> bool:
        """Whether the plugin may send to a host; one that was never decided about is asked for."""
        permission = Permission.network(host)
        if self._live.grants.allows(permission):
            return True
        with suppress(PluginLimitError):  # so many requests wait that an administrator has enough to look at
            why = f"Its channel {self._entry.channel.name} of the outbox sends messages there."
            note_request(self._live.plugin_id, permission, why)
        return False

    def clean(self, text: str) -> str:
        """Return a text without the secrets of the plugin's configuration."""
        return without_secrets(text, secrets_of(self._live.spec))

    def _call(self, function: Any, *arguments: Any) -> Any:
        try:
            return self._live.call(function, self._entry.stats, *arguments)
        except SystemExit as error:
            if error.code == _TOLD_TO_END:
                raise
            raise PluginError(f"The plugin's code called for an exit ({error.code}).") from error
        except Exception:
            trace = self.clean(traceback.format_exc())
            logger.error("channel %s of %s failed\n%s", self._entry.channel.name, self._live.plugin_id, trace)  # noqa: TRY400 - secrets are taken out of the trace
            raise


def _row_of(plugin_id: str) -> int:
    rows = InstalledPlugin.objects.using(database()).filter(plugin_id=plugin_id)
    return rows.values_list("pk", flat=True).get()
