"""What a purge did, or would do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class PurgeReport:
    """What a purge removed, or would.

    Attributes:
        by_rule: name of a rule to the records that fell under it.
        kept_by_hold: records whose time is over and that a hold keeps.
        waiting: records whose time is over and that are not sealed or not delivered everywhere.
        deferred: records whose time is over and that wait for the rest of their partition.
        archives: names of the files that were written.
        partitions: names of the partitions that went whole.
        busy: names of those that could not be locked; the next purge tries them again.
    """

    by_rule: Counter[str] = field(default_factory=Counter)
    kept_by_hold: int = 0
    waiting: int = 0
    deferred: int = 0
    archives: list[str] = field(default_factory=list)
    partitions: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)

    @property
    def removed(self) -> int:
        """How many records went."""
        return self.by_rule.total()
