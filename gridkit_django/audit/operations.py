"""The circumstances of an act, stored once for all of its records."""

from __future__ import annotations

from typing import cast

from gridkit_django.audit.values import json_object, json_value
from gridkit_django.events import Act
from gridkit_django.models import AuditOperation

_OWN = frozenset({"source", "correlationId", "evidence", "reason", "impersonator"})
"""What the server itself says; metadata of a request can't pass itself off as one of these."""


def operation_of(act: Act, using: str | None = None) -> AuditOperation:
    """Return the stored circumstances of an act; they are written when this transaction has not written them yet.

    What is returned is what is stored, whoever stored it: each record's MAC covers it. Asking is one statement. It
    must be asked for each record anew: the row may have gone with a savepoint.

    Args:
        act: the act under way.
        using: alias of the database, the router's choice when None.

    Raises:
        AuditError: when a fact has no exact JSON form.
    """
    facts = json_object(dict(act.metadata))
    row = AuditOperation(
        id=act.id,
        source=act.source.value,
        correlation_id=_text(act.correlation_id),
        impersonator_id=_text(act.impersonator.id) if act.impersonator else "",
        impersonator_label=_text(act.impersonator.label)[:200] if act.impersonator else "",
        reason=_text(act.reason),
        facts={name: value for name, value in facts.items() if name not in _OWN},
        occurred_at=act.began_at,
    )
    AuditOperation.objects.using(using).bulk_create([row], ignore_conflicts=True)
    return row


def _text(value: str) -> str:
    return cast("str", json_value(value))
