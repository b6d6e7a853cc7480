"""Events to the outside, at least once: written with what they tell of, sent by workers, never by who serves a grid."""

from __future__ import annotations

from gridkit_django.outbox.channels import Carrier, ChannelLimits, Place, checked_name
from gridkit_django.outbox.gathering import gathered, store_or_hold
from gridkit_django.outbox.messages import OutgoingMessage, OutgoingRequest, OutgoingResponse
from gridkit_django.outbox.putting import read_messages, store
from gridkit_django.outbox.queue import Alarm, OutboxQueue
from gridkit_django.outbox.room import Room
from gridkit_django.outbox.sending import TurnReport, send_waiting
from gridkit_django.outbox.verdicts import Verdict, default_judge

__all__ = [
    "Alarm",
    "Carrier",
    "ChannelLimits",
    "OutboxQueue",
    "OutgoingMessage",
    "OutgoingRequest",
    "OutgoingResponse",
    "Place",
    "Room",
    "TurnReport",
    "Verdict",
    "checked_name",
    "default_judge",
    "gathered",
    "read_messages",
    "send_waiting",
    "store",
    "store_or_hold",
]
