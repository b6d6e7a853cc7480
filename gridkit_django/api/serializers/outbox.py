"""The channels of the outbox on the wire."""

from __future__ import annotations

from datetime import datetime

from gridkit_django.api.serializers.bodies import ResponseBody
from gridkit_django.plugins.outbox_list import ChannelInfo


class OutboxChannelBody(ResponseBody):
    """One channel of a plugin, and what waits in it."""

    plugin: str
    channel: str
    is_local: bool
    """Whether the plugin itself takes the messages, so that nothing leaves the house."""
    state: str
    """``ready``, ``waiting``, ``held``, ``paused``, ``stopped`` (the plugin is not at work) or ``closed``."""
    state_code: str
    """Stable code of the reason, empty for none."""
    reason: str
    waiting: int
    waiting_bytes: int
    waiting_since: datetime | None
    """When the oldest message was put."""
    dead_letters: int
    """Dead letters that nobody has dealt with."""
    failures: int
    """Failures in a row."""
    next_try_at: datetime | None
    last_success_at: datetime | None
    delivered: int
    again: int
    dead: int
    expired: int
    dropped: int

    @classmethod
    def of(cls, info: ChannelInfo) -> OutboxChannelBody:
        """Describe a channel. What a server answered is not told: it may repeat messages."""
        row, backlog = info.row, info.backlog
        return cls(
            plugin=row.plugin.plugin_id,
            channel=row.name,
            is_local=row.is_local,
            state=info.state,
            state_code=info.code,
            reason=info.reason,
            waiting=backlog.messages,
            waiting_bytes=backlog.bytes,
            waiting_since=backlog.oldest_at,
            dead_letters=backlog.dead,
            failures=row.failures,
            next_try_at=row.next_try_at,
            last_success_at=row.last_success_at,
            delivered=row.delivered,
            again=row.again,
            dead=row.dead,
            expired=row.expired,
            dropped=row.dropped,
        )


class OutboxAnswer(ResponseBody):
    """The channels that the user looks after."""

    channels: list[OutboxChannelBody]
