"""A channel: where its messages lie, how many there may be, and whose code sends them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from django.db import router

from gridkit_django.exceptions import OutboxChannelError
from gridkit_django.models import OutboxMessage
from gridkit_django.models.outbox import CHANNEL_LENGTH
from gridkit_django.outbox.messages import OutgoingMessage, OutgoingRequest, OutgoingResponse
from gridkit_django.outbox.verdicts import Verdict

BATCH_MAX = 10_000
BYTES_MAX = 20_000_000
MESSAGES_MAX = 10_000_000
AGE_MAX = timedelta(days=366)

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def database() -> str:
    """Return the alias of the database that messages are written to."""
    return router.db_for_write(OutboxMessage)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the messages of a channel lie.

    Attributes:
        plugin: primary key of the plugin's row.
        channel: the channel's name.
    """

    plugin: int
    channel: str


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """How much a channel holds and sends at once.

    Attributes:
        batch_max: messages in one batch at most.
        bytes_max: bytes of the payloads of one batch at most; a larger message travels alone.
        max_age: how long a message is kept; then it expires.
        max_messages: how many may wait; what is put beyond that is dropped.
    """

    batch_max: int = 500
    bytes_max: int = 1_000_000
    max_age: timedelta = timedelta(days=7)
    max_messages: int = 100_000

    def checked(self) -> ChannelLimits:
        """Return these limits.

        Raises:
            OutboxChannelError: when one of them is out of bounds.
        """
        bounds = (
            ("batch_max", self.batch_max, 1, BATCH_MAX),
            ("bytes_max", self.bytes_max, 1, BYTES_MAX),
            ("max_messages", self.max_messages, 1, MESSAGES_MAX),
            ("max_age", self.max_age, timedelta(minutes=1), AGE_MAX),
        )
        for name, value, least, most in bounds:
            if not least <= value <= most:  # type: ignore[operator]
                raise OutboxChannelError(f"{name} of a channel is from {least} to {most}, not {value}.")
        return self


def checked_name(name: str) -> str:
    """Return the name of a channel.

    Raises:
        OutboxChannelError: when it is none.
    """
    if not _NAME.fullmatch(name) or len(name) > CHANNEL_LENGTH:
        raise OutboxChannelError(
            f"{name!r} is no name of a channel: small letters, digits, '-' and '_', a letter first, "
            f"at most {CHANNEL_LENGTH} characters."
        )
    return name


class Carrier(Protocol):
    """The code of a channel, behind whatever guards it. What it raises counts as a failure of the code."""

    @property
    def limits(self) -> ChannelLimits:
        """How much the channel holds and sends at once."""
        ...

    @property
    def revision(self) -> int:
        """Rises with every change to the plugin: its code, its configuration, its grants."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether ``deliver`` takes the messages, inside the transaction that removes them."""
        ...

    def prepare(self, messages: tuple[OutgoingMessage, ...]) -> OutgoingRequest:
        """Make the request that carries a batch."""
        ...

    def judge(self, messages: tuple[OutgoingMessage, ...], response: OutgoingResponse) -> Verdict:
        """Say what a response means."""
        ...

    def deliver(self, messages: tuple[OutgoingMessage, ...]) -> None:
        """Take a batch, in this transaction."""
        ...

    def may_reach(self, host: str) -> bool:
        """Whether requests may go to a host (with a port when it is not the scheme's own)."""
        ...

    def clean(self, text: str) -> str:
        """Return a text without the secrets that the code knows."""
        ...
