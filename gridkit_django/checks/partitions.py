"""Checks of the partitions of the record table: ``manage.py check --database default``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Advice
from django.db import Error, connections

from gridkit_django.audit.partitions import faults_of
from gridkit_django.exceptions import SettingsError

_HINT = "Add --database {}. Celery beat should run gridkit.partition_audit and gridkit.purge_audit once a day."


def check_audit_partitions(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report partitions that are lacking and records that found none (``gridkit.W202``)."""
    return [fault for alias in databases or () for fault in _faults(alias)]


def _faults(alias: str) -> Iterator[CheckMessage]:
    if connections[alias].vendor != "postgresql":
        return
    try:
        faults = faults_of(alias)
    except (Error, SettingsError):  # the database or the tables are not there yet, or E001 has told it
        return
    for fault in faults:
        yield Advice(fault, hint=_HINT.format(alias), id="gridkit.W202")
