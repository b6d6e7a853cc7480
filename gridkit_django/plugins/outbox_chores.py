"""What a process does for the channels that are open in it, outside of requests: makes them known, counts drops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from weakref import WeakSet

from gridkit_django.outbox.leases import channel_row
from gridkit_django.outbox.tending import store_dropped
from gridkit_django.plugins.live import LivePlugin
from gridkit_django.plugins.outbox import PluginCarrier
from gridkit_django.plugins.outbox_calls import OpenChannel


class Working(Protocol):
    """What the chores need of the runtime."""

    @property
    def live(self) -> Mapping[str, LivePlugin]:
        """The plugins at work in this process."""
        ...


class OutboxChores:
    """A chore of the runtime: nothing of it is on the way of a put.

    Args:
        runtime: the runtime of this process.
    """

    def __init__(self, runtime: Working) -> None:
        self._runtime = runtime
        self._known: WeakSet[OpenChannel] = WeakSet()

    def work(self) -> None:
        """Make channels known that were opened since the last time, and store how many messages were dropped."""
        for live in self._runtime.live.values():
            for entry in live.channels.values():
                self._make_known(live, entry)
                store_drops(entry)

    def _make_known(self, live: LivePlugin, entry: OpenChannel) -> None:
        """Write a channel's row once for each object of the plugin, so that it is seen before a worker comes to it."""
        if entry not in self._known:
            channel_row(entry.place, PluginCarrier(live, entry))
            self._known.add(entry)


def store_drops(entry: OpenChannel) -> None:
    """Write down how many messages found a channel full in this process, since the last time."""
    dropped = entry.room.take_dropped()
    if not dropped:
        return
    try:
        store_dropped(entry.place, dropped)
    except Exception:
        entry.room.put_back(dropped)
        raise
