"""Multi-table inheritance: a model whose fields lie in two tables, of which only the lower one is its own.

A field is recorded under the model that declares it, when that model is followed; else under the followed child.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.plans import Heir, Watch
from gridkit_django.audit.capture.rows import RowChange, Unlabelled, Values, changed_values
from gridkit_django.audit.capture.values import Field, writer_of
from gridkit_django.audit.policies import UPDATE
from gridkit_django.audit.targets import ModelClass

_CHUNK = 500


def inherited_changes(
    heir: Heir, watch: Watch, connection: BaseDatabaseWrapper, fields: Sequence[Field], changes: Sequence[RowChange]
) -> Iterator[Unlabelled]:
    """Yield the updates of a parent's table that changed rows of the child.

    Args:
        heir: the child.
        watch: of the parent's table.
        connection: where it is.
        fields: columns of the parent, in the order of the values.
        changes: rows of the parent.
    """
    updates = [change for change in changes if change.action == UPDATE]
    lead: Any = watch.model._meta.pk
    found = _rows(heir.model, connection, lead.name, [change.key[0] for change in updates], (lead.name, "pk"))
    own = writer_of(heir.model._meta.pk)
    children = {str(writer_of(lead)(link)): str(own(child)) for link, child in found}
    for change in updates:
        child = children.get(watch.key(change.key, connection))
        if child is not None:
            values = changed_values(watch, connection, fields, change)
            mine = {name: value for name, value in values.items() if name in heir.names}
            if mine:
                yield UPDATE, child, mine


def lineage_values(
    watch: Watch, connection: BaseDatabaseWrapper, fields: Sequence[Field], changes: Sequence[RowChange]
) -> Mapping[tuple[Any, ...], Values]:
    """Return, by the key of each row that came or went, what it has from parents: its table does not hold it.

    The parent's row is written before and deleted after that of the child, so it is there at both moments.
    """
    found: dict[tuple[Any, ...], Values] = {}
    moved = [change for change in changes if change.action != UPDATE] if watch.lineages else []
    for lineage in watch.lineages:
        links = {change.key: link_text(watch, lineage.link, connection, fields, change) for change in moved}
        names = [item.attname for item in lineage.fields]
        writers = [(item.name, writer_of(item)) for item in lineage.fields]
        key = writer_of(lineage.parent._meta.pk)
        found_rows = _rows(lineage.parent, connection, "pk", links.values(), ("pk", *names))
        rows = {str(key(row[0])): row[1:] for row in found_rows}
        for change in moved:
            raw = rows.get(links[change.key])
            if raw is not None:
                pairs = ((name, write(value)) for (name, write), value in zip(writers, raw, strict=True))
                sides = {name: [None, value] if change.before is None else [value, None] for name, value in pairs}
                found.setdefault(change.key, {}).update({k: v for k, v in sides.items() if v != [None, None]})
    return found


def link_text(
    watch: Watch, link: Field, connection: BaseDatabaseWrapper, fields: Sequence[Field], change: RowChange
) -> str:
    """Return what a row has in the column that leads to its parent, as text; databases store keys in several forms."""
    raw = (
        (change.after or change.before or ())[fields.index(link)]
        if link in fields
        else change.key[watch.keys.index(link)]
    )
    return str(watch.reader(link, connection)(raw))


def _rows(
    model: ModelClass, connection: BaseDatabaseWrapper, name: str, keys: Any, columns: tuple[str, ...]
) -> Iterator[tuple[Any, ...]]:
    wanted = list(keys)
    rows = models.QuerySet[Any](model, using=connection.alias).order_by()
    for start in range(0, len(wanted), _CHUNK):
        yield from rows.filter(**{f"{name}__in": wanted[start : start + _CHUNK]}).values_list(*columns)
