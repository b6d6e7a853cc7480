"""The outbox as a plugin sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gridkit_django.outbox import ChannelLimits, checked_name
from gridkit_django.outbox.channels import BYTES_MAX
from gridkit_django.plugins.backend import Unsubscribe
from gridkit_django.plugins.capabilities import Capability
from gridkit_django.plugins.outbox_calls import DeliverHandler, JudgeHandler, PrepareHandler, RegisteredChannel
from gridkit_django.typing import JSONObject


class PluginOutbox(Capability):
    """What must leave the house, or be dealt with later: messages written with the act that they tell of.

    A message is stored in the transaction under way and gone with it when that is rolled back. A worker sends it after
    the commit, in batches, at least once. A channel is opened in ``initialize``, so every process knows it. To send,
    the plugin needs ``network:<host>``; messages of a channel whose host was not granted wait until it is.
    """

    def open_channel(
        self,
        name: str,
        *,
        prepare: PrepareHandler,
        judge: JudgeHandler | None = None,
        batch_max: int = 500,
        bytes_max: int = 1_000_000,
        max_age: timedelta = timedelta(days=7),
        max_messages: int = 100_000,
    ) -> Unsubscribe:
        """Open a channel to a server. It ends by itself with the plugin; its messages wait for the next object.

        One worker at a time sends for a channel, oldest messages first, one batch after the other. Only a message that
        the judge hands back (``again``) is overtaken by those behind it.

        Args:
            name: small letters, digits, ``-`` and ``_``; unique in the plugin.
            prepare: gets a tuple of ``OutgoingMessage``, returns the ``OutgoingRequest`` that carries them. The place
                for secrets: the request is not stored. When it raises, the batch is halved until the message is found
                that it raises for, which becomes a dead letter.
            judge: gets the messages and the ``OutgoingResponse``, returns a ``Verdict``; None for
                ``default_judge``. It is not called when the server is not reached.
            batch_max: messages in one batch at most, up to 10,000.
            bytes_max: bytes of the payloads in one batch at most, up to 20 MB; a larger message travels alone.
            max_age: how long a message is kept before it expires, from a minute to 366 days.
            max_messages: how many may wait; what is put beyond that is dropped and counted.

        Returns:
            A function that closes it; calling it twice does nothing.

        Raises:
            OutboxChannelError: for a name or a limit that is wrong, or a channel that is open already.
            PluginLimitError: over 20 channels.
        """
        limits = ChannelLimits(batch_max, bytes_max, max_age, max_messages).checked()
        return self._backend.open_channel(RegisteredChannel(checked_name(name), limits, prepare=prepare, judge=judge))

    def open_local_channel(
        self,
        name: str,
        *,
        deliver: DeliverHandler,
        batch_max: int = 1000,
        max_age: timedelta = timedelta(days=7),
        max_messages: int = 100_000,
    ) -> Unsubscribe:
        """Open a channel that leads nowhere outside: the plugin itself takes the messages, in a worker.

        ``deliver`` runs inside the transaction that removes the messages. What it writes through the context, and that
        the messages are gone, is committed together: exactly once.

        Args:
            name: small letters, digits, ``-`` and ``_``; unique in the plugin.
            deliver: gets a tuple of ``OutgoingMessage``. When it raises, what it did is undone, and the batch is halved
                until the message is found that it raises for, which becomes a dead letter.
            batch_max: messages in one batch at most, up to 10,000.
            max_age: how long a message is kept before it expires.
            max_messages: how many may wait; what is put beyond that is dropped and counted.

        Returns:
            A function that closes it; calling it twice does nothing.

        Raises:
            OutboxChannelError: for a name or a limit that is wrong, or a channel that is open already.
            PluginLimitError: over 20 channels.
        """
        limits = ChannelLimits(batch_max, BYTES_MAX, max_age, max_messages).checked()
        return self._backend.open_channel(RegisteredChannel(checked_name(name), limits, deliver=deliver))

    def put(self, channel: str, payload: JSONObject, *, key: str | None = None) -> str:
        """Put one message into a channel, in the transaction under way; return its deduplication key.

        A full channel (its ``max_messages``, or the site's ``OUTBOX_BYTES_MAX``) takes nothing: the message is dropped,
        the drop is counted and shown, and the key returned all the same. Putting never waits for anybody and never
        asks the network.

        Args:
            channel: a channel that this object of the plugin has opened.
            payload: a dict of JSON values, at most ``MESSAGE_BYTES_MAX`` bytes. No secrets: it is stored as it is.
            key: what the other side knows the message by when it gets it twice, 1 to 100 characters; None for a new
                UUID. The outbox itself compares no keys.

        Raises:
            OutboxChannelError: when the channel is not open.
            OutboxMessageError: when the payload is no JSON object or too large, or the key is none.
        """
        return self.put_many(channel, [payload], keys=[key])[0]

    def put_many(
        self, channel: str, payloads: Sequence[JSONObject], *, keys: Sequence[str | None] | None = None
    ) -> list[str]:
        """Put several messages in one statement; return their keys. See ``put``.

        Args:
            channel: a channel that this object of the plugin has opened.
            payloads: at most 10,000.
            keys: the key of each; None for new UUIDs.

        Raises:
            OutboxChannelError: when the channel is not open.
            OutboxMessageError: when one of them can't be put; none is then.
        """
        return self._backend.put_messages({channel: (payloads, keys)})[channel]

    def put_all(self, batches: Mapping[str, Mapping[str, JSONObject]]) -> None:
        """Put messages into several channels in one statement, which is what a put costs. See ``put``.

        Args:
            batches: channel to its messages, key to payload.

        Raises:
            OutboxChannelError: when one of the channels is not open.
            OutboxMessageError: when one of the messages can't be put; none is then.
        """
        self._backend.put_messages({name: (list(found.values()), list(found)) for name, found in batches.items()})
