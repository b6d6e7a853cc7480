"""Many-to-many fields: pairs that came and went become one change of the row that has the field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.plans import Link, Policied, Watch
from gridkit_django.audit.capture.rows import RowChange, Unlabelled, Values
from gridkit_django.audit.capture.values import Field, writer_of
from gridkit_django.audit.policies import UPDATE
from gridkit_django.audit.targets import ModelClass

_CHUNK = 500


@dataclass(slots=True)
class LinkChanges:
    """The keys on the other side, before and after, of each row whose links changed.

    Attributes:
        before: key of the row to the keys that it was linked to.
        after: key of the row to the keys that it is linked to.
    """

    before: dict[str, list[Any]] = field(default_factory=dict)
    after: dict[str, list[Any]] = field(default_factory=dict)

    def told(self, name: str) -> Iterator[Unlabelled]:
        """Yield an update of each row that is linked to others now."""
        for key, before in self.before.items():
            if before != self.after[key]:
                yield UPDATE, key, {name: [before, self.after[key]]}


class HeldLinks:
    """Changes of links in one database that wait for the end of the act that they are part of.

    Args:
        alias: the database.
        around: those of the act that this one is a part of, in another database.
    """

    def __init__(self, alias: str, around: HeldLinks | None) -> None:
        self._alias = alias
        self._around = around
        self._found: dict[tuple[ModelClass, str], tuple[Policied, LinkChanges]] = {}

    def of(self, alias: str) -> HeldLinks | None:
        """Return the changes that wait in a database, or None when nothing is held back there."""
        if alias == self._alias:
            return self
        return None if self._around is None else self._around.of(alias)

    def add(self, link: Link, changes: LinkChanges) -> None:
        """Add changes to those of the same field."""
        _, known = self._found.setdefault((link.model, link.name), (link.policies, LinkChanges()))
        for key, before in changes.before.items():
            known.before.setdefault(key, before)
            known.after[key] = changes.after[key]

    def has(self, model: ModelClass) -> bool:
        """Whether links of rows of a model wait."""
        return any(owner is model and changes.before for (owner, _), (_, changes) in self._found.items())

    def taken(self, model: ModelClass, key: str) -> Values:
        """Take the links of a row that is gone, as they were."""
        found: Values = {}
        for (owner, name), (_, changes) in self._found.items():
            if owner is model and key in changes.before:
                before = changes.before.pop(key)
                del changes.after[key]
                if before:
                    found[name] = [before, None]
        return found

    def rest(self) -> Iterator[tuple[Policied, ModelClass, Iterator[Unlabelled]]]:
        """Yield what nobody has taken."""
        for (model, name), (policies, changes) in self._found.items():
            yield policies, model, changes.told(name)


def link_changes(
    link: Link, watch: Watch, connection: BaseDatabaseWrapper, fields: Sequence[Field], changes: Sequence[RowChange]
) -> LinkChanges:
    """Return what pairs that came and went mean for the rows that have the field.

    Args:
        link: the field.
        watch: of the table of pairs.
        connection: where it is.
        fields: the columns of the pairs, in the order of the values.
        changes: the pairs.
    """
    source, target = fields.index(link.source), fields.index(link.target)
    read_key, read = watch.reader(link.source, connection), watch.reader(link.target, connection)
    moved: dict[Any, Counter[Any]] = {}
    for change in changes:
        for pair, count in ((change.before, -1), (change.after, 1)):
            # A pair that leads to no row is nobody's: its column may be NULL in a model of the project's own.
            if pair is not None and pair[source] is not None:
                moved.setdefault(pair[source], Counter())[read(pair[target])] += count
    present = _present(link, connection, list(moved))
    owners = _owners(link, connection, list(moved))
    found = LinkChanges()
    for raw, counts in moved.items():
        named = str(read_key(raw))
        now = Counter(present.get(named, ()))
        then = Counter(now)
        then.subtract(counts)
        key = owners.get(named, named)
        found.before[key], found.after[key] = _sorted(then), _sorted(now)
    return found


def _present(link: Link, connection: BaseDatabaseWrapper, sources: list[Any]) -> dict[str, list[Any]]:
    """Return the pairs that there are now, by what leads to the row that has the field."""
    through: Any = link.source.model
    rows = models.QuerySet[Any](through, using=connection.alias).order_by()
    write, write_target = writer_of(link.source), writer_of(link.target)
    found: dict[str, list[Any]] = {}
    for start in range(0, len(sources), _CHUNK):
        raw = sources[start : start + _CHUNK]
        chosen = rows.filter(**{f"{link.source.attname}__in": raw})
        for source, target in chosen.values_list(link.source.attname, link.target.attname):
            found.setdefault(str(write(source)), []).append(write_target(target))
    return found


def _owners(link: Link, connection: BaseDatabaseWrapper, sources: list[Any]) -> dict[str, str]:
    """Return the keys of the rows that have the field, where the pairs lead to them by another value (``to_field``)."""
    field: Any = link.source
    known = field.target_field
    if known.primary_key:
        return {}
    rows = models.QuerySet[Any](known.model, using=connection.alias).order_by()
    write, write_key = writer_of(known), writer_of(known.model._meta.pk)
    found: dict[str, str] = {}
    for start in range(0, len(sources), _CHUNK):
        chosen = rows.filter(**{f"{known.attname}__in": sources[start : start + _CHUNK]})
        found.update((str(write(value)), str(write_key(key))) for value, key in chosen.values_list(known.attname, "pk"))
    return found


def _sorted(keys: Counter[Any]) -> list[Any]:
    present = [key for key in keys.elements() if key is not None]
    return sorted(present, key=lambda key: (not isinstance(key, int), key if isinstance(key, int) else 0, str(key)))
