"""The label of each row that a record is about, without a query for a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.heirs import link_text
from gridkit_django.audit.capture.plans import Watch
from gridkit_django.audit.capture.rows import RowChange, Told, Unlabelled
from gridkit_django.audit.capture.values import Field, writer_of
from gridkit_django.audit.labels import label_text
from gridkit_django.audit.targets import ModelClass

_CHUNK = 500

Namer = Callable[[RowChange], str]
"""Gives the label of a row of one statement."""


def namer_of(
    watch: Watch,
    label: Field | None,
    connection: BaseDatabaseWrapper,
    fields: Sequence[Field],
    changes: Sequence[RowChange],
) -> Namer:
    """Return what names the rows of a statement: by the column it returned, or for children by their parents' table.

    Args:
        watch: of the table.
        label: the field that labels its rows.
        connection: where it is.
        fields: the columns that the statement returned, in the order of the values.
        changes: the rows.
    """
    if label is None:
        return _nameless
    if label in fields:
        at, read = fields.index(label), watch.reader(label, connection)
        return lambda change: label_text(read((change.after or change.before or ())[at]))
    options: Any = watch.model._meta
    link = options.get_ancestor_link(label.model)
    if link in watch.keys or link in fields:
        # The row of the parent is there before that of the child is, and after it was.
        known = [link_text(watch, link, connection, fields, item) for item in changes]
        found = _labels(label.model, label, connection, known)
        return lambda change: found.get(link_text(watch, link, connection, fields, change), "")
    found = _labels(watch.model, label, connection, [watch.key(change.key, connection) for change in changes])
    return lambda change: found.get(watch.key(change.key, connection), "")


def labelled(
    model: ModelClass, label: Field | None, connection: BaseDatabaseWrapper, told: Iterable[Unlabelled]
) -> Iterator[Told]:
    """Yield what was told of rows whose own table was not written to, with their labels: one query for all of them."""
    if label is None:
        yield from ((action, key, values, "") for action, key, values in told)
        return
    known = list(told)
    found = _labels(model, label, connection, [key for _, key, _ in known])
    yield from ((action, key, values, found.get(key, "")) for action, key, values in known)


def _labels(model: ModelClass, label: Field, connection: BaseDatabaseWrapper, keys: Sequence[Any]) -> Mapping[str, str]:
    if len(getattr(model._meta, "pk_fields", ())) > 1:
        return {}
    write, write_key = writer_of(label), writer_of(model._meta.pk)
    rows = models.QuerySet[Any](model, using=connection.alias).order_by()
    found: dict[str, str] = {}
    for start in range(0, len(keys), _CHUNK):
        chosen = rows.filter(pk__in=keys[start : start + _CHUNK])
        found.update(
            (str(write_key(pk)), label_text(write(value))) for pk, value in chosen.values_list("pk", label.attname)
        )
    return found


def _nameless(_change: RowChange) -> str:
    return ""
