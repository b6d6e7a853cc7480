"""The audit room: one writer of audit records, and their reading.

Records of rows are written by ``capture``, beside the write itself, for the models that a policy follows; all others by
``record``. Both write in the transaction of the act. Plugins reach them through their context, never from here.
"""

from __future__ import annotations

from gridkit_django.audit.captured import is_captured
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.recorder import record
from gridkit_django.audit.scope import through_grid
from gridkit_django.audit.targets import Target
from gridkit_django.audit.trail import AuditTrail
from gridkit_django.audit.values import json_object, json_value

__all__ = [
    "AuditPolicy",
    "AuditTrail",
    "Target",
    "audit_policies",
    "is_captured",
    "json_object",
    "json_value",
    "record",
    "through_grid",
]
