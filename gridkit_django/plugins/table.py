"""The handler table: who is called for an event, in which order. The runtime swaps in another one, never changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from gridkit_django.events import ActorKind, GridEvent, Moment
from gridkit_django.grids.registry import GridRegistry
from gridkit_django.plugins.breaker import Breaker
from gridkit_django.plugins.handlers import EventHandler, HandlerMark
from gridkit_django.plugins.here import Here
from gridkit_django.plugins.permissions import Permission
from gridkit_django.plugins.serving import serves
from gridkit_django.plugins.stats import CallStats
from gridkit_django.plugins.tally import Tally

if TYPE_CHECKING:
    from gridkit_django.plugins.live import LivePlugin

ROUTES_MAX = 1000

RouteKey: TypeAlias = str | tuple[str | None, str] | None
"""A grid; with the id of the emitting plugin where that is one of the listeners."""


class Subscription:
    """One handler of one plugin.

    Args:
        owner: the live plugin that it belongs to.
        mark: which events it wants, when and in which order.
        handler: what is called.
        stats: its accounting.

    Attributes:
        breaker: leaves it out when it is too slow.
        is_plain: whether nothing about its next call needs a second look. ``refresh`` keeps it true to the facts, so
            that an event asks one question for each handler.
    """

    __slots__ = ("__weakref__", "breaker", "handler", "is_gone", "is_plain", "mark", "owner", "stats")

    def __init__(self, owner: LivePlugin, mark: HandlerMark, handler: EventHandler, stats: CallStats) -> None:
        self.owner = owner
        self.mark = mark
        self.handler = handler
        self.stats = stats
        self.breaker = Breaker()
        self.is_gone = False
        self.is_plain = False
        self.refresh()

    @property
    def is_heard(self) -> bool:
        """Whether it may be called: it is still subscribed, and its plugin may hear events."""
        return not self.is_gone and self.owner.hears

    @property
    def is_critical(self) -> bool:
        """Whether acts fail when it does, so that it is never left out."""
        return self.mark.critical and self.owner.grants.allows(Permission.AUDIT_WRITE)

    def refresh(self) -> None:
        """Judge anew whether it is plain: something that this depends on has changed."""
        owner = self.owner
        self.is_plain = (
            self.is_heard and not owner.failures_in_row and not owner.observers and not self.breaker.is_watchful
        )


class Route:
    """The handlers for one kind of event on one grid, ready to be called.

    Args:
        subscriptions: in the order of the calls.

    Attributes:
        calls: each subscription with its handler.
        tally: counts the rounds.
        inside: the threads that call them just now.
    """

    __slots__ = ("__weakref__", "calls", "inside", "tally")

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self.calls = tuple((item, item.handler) for item in subscriptions)
        self.tally = Tally((item.stats, item.owner.cpu) for item, _ in self.calls)
        self.inside: list[Here] = []
        for item, _ in self.calls:
            item.owner.is_called_in(self)


class Row:
    """The subscriptions to one event type at one moment.

    Args:
        subscriptions: in the order of the calls.
    """

    __slots__ = ("_revision", "_routes", "plugin_ids", "subscriptions")

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self.subscriptions = tuple(subscriptions)
        self.plugin_ids = frozenset(item.owner.plugin_id for item in self.subscriptions)
        self._routes: dict[RouteKey, Route] = {}
        self._revision = -1

    def route(self, event: GridEvent, grids: GridRegistry) -> Route:
        """Return the route of an event: the plugins that serve its grid, without the one that emitted it.

        Args:
            event: of this row's type.
            grids: the grids, which say what plugins serve them.
        """
        if self._revision != grids.revision:
            self._routes, self._revision = {}, grids.revision
        key: RouteKey = event.grid
        actor = event.actor
        if actor.kind is ActorKind.PLUGIN and actor.id in self.plugin_ids:
            key = (event.grid, actor.id)
        return self._routes.get(key) or self._made(key)

    def _made(self, key: RouteKey) -> Route:
        grid, emitter = key if isinstance(key, tuple) else (key, "")
        if len(self._routes) >= ROUTES_MAX:
            self._routes = {}
        route = self._routes[key] = Route(
            item
            for item in self.subscriptions
            if item.owner.plugin_id != emitter and serves(item.owner.plugin_id, grid)
        )
        return route


class HandlerTable:
    """All subscriptions by event type and moment, ordered by priority, then by plugin, then by subscription.

    Args:
        subscriptions: of all live plugins, in the order of the plugins.

    Attributes:
        rows: by event type and moment; none for what nobody wants.
    """

    __slots__ = ("rows",)

    def __init__(self, subscriptions: Iterable[Subscription] = ()) -> None:
        rows: dict[tuple[str, Moment], list[Subscription]] = {}
        for item in subscriptions:
            for event_type in item.mark.event_types:
                rows.setdefault((event_type, item.mark.moment), []).append(item)
        self.rows: Mapping[tuple[str, Moment], Row] = MappingProxyType(
            {key: Row(sorted(found, key=lambda item: item.mark.priority.rank)) for key, found in rows.items()}
        )
