"""Which records may go at a moment: their time is over, no hold keeps them, and everybody has got them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Min, Q

from gridkit_django.audit.retention.holds import held
from gridkit_django.audit.retention.rules import expired, retention_rules
from gridkit_django.audit.runs import Run, common, gaps, merged, runs_of
from gridkit_django.models import AuditDestination, AuditRecord, AuditSeal

IDS_AT_ONCE = 500
"""Runs of ids in one statement."""


@dataclass(frozen=True, slots=True)
class Due:
    """The conditions of one moment.

    Attributes:
        by_rule: name of a rule to the condition of the records whose time is over under it.
        over: the time of a record is over under any of them, held or not.
        hold: a hold keeps a record; None when none stands.
    """

    by_rule: Mapping[str, Q]
    over: Q
    hold: Q | None

    @classmethod
    def of(cls, using: str, moment: datetime) -> Due | None:
        """Return the conditions of a moment; None when there are no rules.

        Raises:
            AuditRetentionError: when a rule can't be read.
        """
        by_rule = expired(retention_rules(), moment)
        return cls(by_rule, reduce(or_, by_rule.values()), held(using)) if by_rule else None

    @property
    def free(self) -> Q:
        """The condition that a record's time is over and that no hold keeps it."""
        return self.over if self.hold is None else self.over & ~self.hold


def ready_runs(using: str, first: int, last: int) -> list[Run]:
    """Return the runs of ids, from the first to the last, that are sealed and that every destination has got."""
    seals = AuditSeal.objects.using(using).filter(last_id__gte=first, first_id__lte=last)
    slowest = AuditDestination.objects.using(using).aggregate(slowest=Min("cursor"))["slowest"]
    if slowest is not None:
        seals = seals.filter(number__lte=slowest)
    return merged((run[0], run[1]) for spans in seals.values_list("spans", flat=True) for run in spans)


def free_runs(using: str, runs: Sequence[Run]) -> list[Run]:
    """Return what of some runs of stored records no hold keeps at this moment."""
    hold = held(using)
    if hold is None:
        return list(runs)
    kept: list[int] = []
    for within in _within(runs):
        kept += AuditRecord.objects.using(using).filter(within, hold).values_list("pk", flat=True)
    between = gaps(runs_of(sorted(kept)), runs[0][0], runs[-1][1])
    return common(runs, between)


def _within(runs: Sequence[Run]) -> Iterator[Q]:
    """Yield conditions that an id is in one of the runs, some at a time."""
    for start in range(0, len(runs), IDS_AT_ONCE):
        yield reduce(or_, (Q(pk__range=run) for run in runs[start : start + IDS_AT_ONCE]))


def counts_by_rule(using: str, runs: Sequence[Run], due: Due) -> dict[str, int]:
    """Return how many of the records fall under each rule."""
    counted: Counter[str] = Counter()
    for within in _within(runs):
        for name, condition in due.by_rule.items():
            counted[name] += AuditRecord.objects.using(using).filter(within, condition).count()
    return {name: number for name, number in counted.items() if number}


def seals_around(using: str, runs: Sequence[Run]) -> tuple[int, int]:
    """Return the numbers of the first and the last seal that sealed records are under."""
    seals = AuditSeal.objects.using(using).filter(last_id__gte=runs[0][0], first_id__lte=runs[-1][1])
    numbers = list(seals.order_by("number").values_list("number", flat=True))
    return numbers[0], numbers[-1]
