"""Public door: event types, payloads, signals and the bus.

Plugin authors and Django teams import from here; the modules behind may move.
"""

from __future__ import annotations

from gridkit_django.events.bus import EventBus, EventMiddleware, event_bus, make_event
from gridkit_django.events.context import Act, acting, current_act
from gridkit_django.events.payloads import Actor, ActorKind, GridEvent
from gridkit_django.events.signals import all_signals, signal_for
from gridkit_django.events.types import (
    ALIASES,
    EVENT_TYPES,
    INTERACTION_TYPES,
    SERVER_TYPES,
    EventSource,
    Moment,
    Priority,
    canonical_type,
    matching_types,
)

__all__ = [
    "ALIASES",
    "EVENT_TYPES",
    "INTERACTION_TYPES",
    "SERVER_TYPES",
    "Act",
    "Actor",
    "ActorKind",
    "EventBus",
    "EventMiddleware",
    "EventSource",
    "GridEvent",
    "Moment",
    "Priority",
    "acting",
    "all_signals",
    "canonical_type",
    "current_act",
    "event_bus",
    "make_event",
    "matching_types",
    "signal_for",
]
