"""How a batch gets to each kind of destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gridkit_django.audit.delivery.batch import Batch
from gridkit_django.audit.delivery.places import Place
from gridkit_django.audit.delivery.senders.calls import call
from gridkit_django.audit.delivery.senders.files import append
from gridkit_django.audit.delivery.senders.otlp import send_logs
from gridkit_django.audit.delivery.senders.syslog import send_messages
from gridkit_django.audit.delivery.senders.webhook import post

Sender = Callable[[Place, Batch, str], None]
"""Sends a batch to a place, with the destination's secret. It returns when the place has taken the batch.

Raises ``DeliveryLaterError`` when it may work later, ``DeliveryRefusedError`` when somebody must look first.
"""

SENDERS: Mapping[str, Sender] = MappingProxyType(
    {"webhook": post, "syslog": send_messages, "otlp": send_logs, "file": append, "callable": call}
)

__all__ = ["SENDERS", "Sender"]
