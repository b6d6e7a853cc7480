"""Public door: event types, payloads, signals and the bus.

Plugin authors and Django teams import from here; the modules behind may move.
"""

from __future__ import annotations

from gridkit_django.events.bus import EventBus, EventMiddleware, event_bus, make_event
from gridkit_django.events.commands import name_commands
from gridkit_django.events.context import (
    REASON_LENGTH_MAX,
    Act,
    PendingAct,
    acting,
    carry_act,
    carry_parts,
    current_act,
    explaining,
    held_act,
    holding,
    random_id,
    swap_act,
    time_ordered_id,
)
from gridkit_django.events.payloads import Actor, ActorKind, BulkPart, GridEvent
from gridkit_django.events.requests import (
    CORRELATION_HEADER,
    REASON_HEADER,
    REQUEST_ID_HEADER,
    RequestAct,
    reason_of,
    request_act,
)
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
from gridkit_django.events.visits import NO_VISIT, VISIT_HEADER, Visit

__all__ = [
    "ALIASES",
    "CORRELATION_HEADER",
    "EVENT_TYPES",
    "INTERACTION_TYPES",
    "NO_VISIT",
    "REASON_HEADER",
    "REASON_LENGTH_MAX",
    "REQUEST_ID_HEADER",
    "SERVER_TYPES",
    "VISIT_HEADER",
    "Act",
    "Actor",
    "ActorKind",
    "BulkPart",
    "EventBus",
    "EventMiddleware",
    "EventSource",
    "GridEvent",
    "Moment",
    "PendingAct",
    "Priority",
    "RequestAct",
    "Visit",
    "acting",
    "all_signals",
    "canonical_type",
    "carry_act",
    "carry_parts",
    "current_act",
    "event_bus",
    "explaining",
    "held_act",
    "holding",
    "make_event",
    "matching_types",
    "name_commands",
    "random_id",
    "reason_of",
    "request_act",
    "signal_for",
    "swap_act",
    "time_ordered_id",
]
