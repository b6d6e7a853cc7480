"""The audit room: one writer of audit records, and their reading.

Every record of the house is written by ``record``, in the transaction of the act that it tells of. Plugins reach it
through their context, never from here.
"""

from __future__ import annotations

from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.audit.trail import AuditTrail
from gridkit_django.audit.values import json_object, json_value

__all__ = ["AuditTrail", "Target", "json_object", "json_value", "record"]
