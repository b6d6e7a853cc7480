"""The handler table: who is called for an event, in which order. Immutable; the runtime swaps in another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from gridkit_django.events import Moment
from gridkit_django.plugins.handlers import EventHandler, HandlerMark
from gridkit_django.plugins.stats import CallStats

if TYPE_CHECKING:
    from gridkit_django.plugins.live import LivePlugin


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """One handler of one plugin.

    Attributes:
        owner: the live plugin that it belongs to.
        mark: which events it wants, when and in which order.
        handler: what is called.
        stats: its accounting.
    """

    owner: LivePlugin
    mark: HandlerMark
    handler: EventHandler
    stats: CallStats


class HandlerTable:
    """All subscriptions by event type and moment, ordered by priority, then by plugin, then by subscription.

    Args:
        subscriptions: of all live plugins, in the order of the plugins.
    """

    __slots__ = ("_rows",)

    def __init__(self, subscriptions: Iterable[Subscription] = ()) -> None:
        rows: dict[tuple[str, Moment], list[Subscription]] = {}
        for item in subscriptions:
            for event_type in item.mark.event_types:
                rows.setdefault((event_type, item.mark.moment), []).append(item)
        self._rows: Mapping[tuple[str, Moment], tuple[Subscription, ...]] = MappingProxyType(
            {key: tuple(sorted(found, key=lambda item: item.mark.priority.rank)) for key, found in rows.items()}
        )

    def at(self, event_type: str, moment: Moment) -> tuple[Subscription, ...]:
        """Return the subscriptions for an event type and moment, in the order of the calls."""
        return self._rows.get((event_type, moment), ())
