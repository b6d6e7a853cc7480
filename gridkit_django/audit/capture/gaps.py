"""Gaps: changes that went through without a record, because their policy fails open."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from gridkit_django.audit.writer import Circumstances, Draft, actor_columns, write
from gridkit_django.events import Act, Actor, EventSource
from gridkit_django.exceptions import AuditUnavailableError
from gridkit_django.typing import MutableJSONObject

GAP = "audit.gap"

_log = logging.getLogger("gridkit.audit")


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that are missing.

    Attributes:
        model_label: the model.
        actions: what was done.
        keys: the rows, as far as they are named.
        count: how many records are missing.
        cause: why.
        at: when.
    """

    model_label: str
    actions: tuple[str, ...]
    keys: tuple[str, ...]
    count: int
    cause: str
    at: datetime


class AuditGaps:
    """The gaps of this process that no record tells of yet, by database."""

    _NAMED = 100

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[Gap, ...]] = {}

    def add(self, alias: str, missing: Sequence[Draft], error: AuditUnavailableError) -> None:
        """Note that records are missing. It is logged at once, and recorded as soon as the trail can be written."""
        gap = Gap(
            missing[0].target_type,
            tuple(sorted({item.action for item in missing})),
            tuple(item.target_id for item in missing[: self._NAMED]),
            len(missing),
            _cause(error),
            timezone.now(),
        )
        _log.critical("%s records of %s are missing in the audit trail: %s", gap.count, gap.model_label, gap.cause)
        with self._lock:
            self._waiting[alias] = (*self._waiting.get(alias, ()), gap)

    def tell(self, connection: BaseDatabaseWrapper) -> None:
        """Record the gaps that wait, in the transaction under way; they wait on until it commits.

        Raises:
            AuditUnavailableError: when the trail can't be written yet.
        """
        waiting = self._waiting.get(connection.alias)
        if not waiting:
            return
        act = Act(Actor.system("audit"), EventSource.SYSTEM)
        circumstances = Circumstances.of(act)
        who = actor_columns(act.actor)
        write(connection, circumstances, (_draft(circumstances, who, gap) for gap in waiting))
        transaction.on_commit(lambda: self._told(connection.alias, waiting), using=connection.alias)

    def _told(self, alias: str, told: Sequence[Gap]) -> None:
        with self._lock:
            self._waiting[alias] = tuple(gap for gap in self._waiting.get(alias, ()) if gap not in told)


def _cause(error: BaseException) -> str:
    """Return the first line of what the database said: further lines may show values of the row."""
    lines = str(error.__cause__ or error).splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _draft(circumstances: Circumstances, who: tuple[str, str, str], gap: Gap) -> Draft:
    evidence: MutableJSONObject = {
        "actions": list(gap.actions),
        "rows": list(gap.keys),
        "records": gap.count,
        "cause": gap.cause,
        "at": gap.at.isoformat(),
    }
    return Draft(circumstances, GAP, *who, gap.model_label, "", "", "", {}, evidence)
