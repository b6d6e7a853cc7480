"""Checks of strict mode against the database: ``manage.py check --database default``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice
from django.db import Error, connections

from gridkit_django.audit.policies import audit_policies
from gridkit_django.audit.triggers import Triggers, strict_labels
from gridkit_django.exceptions import AuditTriggerError
from gridkit_django.plugins import plugin_manager

_HINT = "Run: python manage.py gridkit_audit_triggers install --database {}"


def check_audit_triggers(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report triggers of strict models that are missing, disabled or of another state (``gridkit.W201``).

    It is advice and no error: ``migrate`` runs checks first, and what it is about to change would stop it.
    """
    if not databases or not strict_labels(audit_policies().table):
        return []
    try:
        plugin_manager().follow()  # what plugins mask is in the code of the triggers
    except Error:  # their tables are not there yet
        return []
    return [fault for alias in databases for fault in _faults(alias)]


def _faults(alias: str) -> Iterator[CheckMessage]:
    if connections[alias].vendor != "postgresql":
        return
    try:
        faults = Triggers(connections[alias], audit_policies().table).drift()
    except (AuditTriggerError, Error):  # the tables are not there yet, or the database is not: others tell of that
        return
    for fault in faults:
        text = f"The audit trigger of {fault.table} for {fault.verb} in the database {alias!r} {fault.fault}."
        yield Advice(text, hint=_HINT.format(alias), id="gridkit.W201")
