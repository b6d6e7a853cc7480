"""The partitions of the audit records, as the page of purges shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone
from django.utils.translation import gettext as _

from gridkit_django.audit.partitions import PartitionFigures, faults_of, figures_of
from gridkit_django.audit.retention import RetentionRule, due_at, held, retention_rules
from gridkit_django.exceptions import AuditRetentionError


@dataclass(frozen=True, slots=True)
class PartitionLine:
    """One line of the table.

    Attributes:
        figures: what is known of the partition.
        width: length of its bar, 0 to 100.
        state: kind of its badge.
        text: what the badge says.
        due: when all of it is over at the latest; None when that is not known or never.
    """

    figures: PartitionFigures
    width: int
    state: str
    text: str
    due: datetime | None


def partition_panel(alias: str = DEFAULT_DB_ALIAS) -> dict[str, Any]:
    """Return what the template needs to know: the lines, oldest first, and what somebody should see to."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return {}
    return {
        "can_be_partitioned": True,
        "partitions": list(_lines(figures_of(alias))),
        "partition_faults": faults_of(alias),
        "partitions_held": held(alias) is not None,
    }


def _lines(figures: Sequence[PartitionFigures]) -> Iterator[PartitionLine]:
    rules, most = _rules(), max((item.rows for item in figures), default=0)
    now = timezone.now()
    for item in figures:
        due = due_at(rules, item.until) if item.until else None
        state, text = _state(item, due, now)
        width = max(1, round(100 * item.rows / most)) if item.rows else 0
        yield PartitionLine(item, width, state, text, due)


def _state(item: PartitionFigures, due: datetime | None, now: datetime) -> tuple[str, str]:
    if item.part.is_rest:
        return ("warn", _("lacks partitions")) if item.rows else ("plain", _("for all that come later"))
    if item.is_open:
        return ("good", _("is filled")) if item.rows else ("plain", _("made ahead"))
    if due is not None and due <= now:
        return "warn", _("may go")
    return "plain", _("complete")


def _rules() -> list[RetentionRule]:
    try:
        return retention_rules()
    except AuditRetentionError:  # the purge tells of it
        return []
