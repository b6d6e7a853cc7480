"""Sealed records on their way out: in order, at least once, each destination with a cursor of its own."""

from __future__ import annotations

from gridkit_django.audit.delivery.delivering import DeliveryReport, deliver, deliver_all
from gridkit_django.audit.delivery.destinations import (
    backlog_of,
    declare_destination,
    drop_destination,
    lacks_since,
    pause,
    resume,
    rewrap_secrets,
    set_secret,
)
from gridkit_django.audit.delivery.formats import FORMATS
from gridkit_django.audit.delivery.places import Place, read_place

__all__ = [
    "FORMATS",
    "DeliveryReport",
    "Place",
    "backlog_of",
    "declare_destination",
    "deliver",
    "deliver_all",
    "drop_destination",
    "lacks_since",
    "pause",
    "read_place",
    "resume",
    "rewrap_secrets",
    "set_secret",
]
