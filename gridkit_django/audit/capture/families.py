"""Rows whose fields lie in several tables: what one act changes in them is one record (multi-table inheritance)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gridkit_django.audit.capture.plans import Policied
from gridkit_django.audit.capture.rows import Told, Values
from gridkit_django.audit.policies import UPDATE


class Family:
    """The updates of one act that wait for the statements on the other tables of their rows.

    Args:
        alias: the database.
        labels: the models whose rows the act is about: a child, and its parents.
    """

    def __init__(self, alias: str, labels: frozenset[str]) -> None:
        self.alias = alias
        self._labels = labels
        self._found: dict[str, tuple[Policied, dict[str, tuple[Values, str]]]] = {}
        self._is_open = True

    def takes(self, alias: str, policies: Policied) -> bool:
        """Whether records of a model wait for the end of the act."""
        return self._is_open and alias == self.alias and policies.label in self._labels

    def held(self, policies: Policied, told: Iterable[Told]) -> Iterator[Told]:
        """Hold the updates back and yield the rest; rows that come or go are told whole already."""
        _, rows = self._found.setdefault(policies.label, (policies, {}))
        for action, key, values, label in told:
            if action != UPDATE:
                yield action, key, values, label
                continue
            known, earlier = rows.get(key, ({}, ""))
            rows[key] = ({**known, **_following(known, values)}, label or earlier)

    def rest(self) -> Iterator[tuple[Policied, Iterator[Told]]]:
        """Yield what was held, one update for each row, and hold nothing more."""
        self._is_open = False
        for policies, rows in self._found.values():
            yield policies, ((UPDATE, key, values, label) for key, (values, label) in rows.items())


def _following(known: Values, values: Values) -> Values:
    """Return changes that go on from those that are known: the values before are those of the first."""
    return {name: [known[name][0], pair[1]] if name in known else pair for name, pair in values.items()}
