"""Saves many rows that get the same values by one UPDATE, where that is all that the model's own ``save`` would do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from django.db import DataError, IntegrityError, models, transaction
from django.db.models.signals import post_save, pre_save

from gridkit_django.grids.columns.paths import AnyField
from gridkit_django.grids.drafts import Draft, written_document

_Values: TypeAlias = tuple[tuple[str, type, Any], ...]
"""Field, and type and value that it gets, by which two rows can be told to get the same."""

_STAMPS = (models.Field.pre_save, models.DateField.pre_save, models.DateTimeField.pre_save, models.TimeField.pre_save)
"""What Django's own fields do before a save: give their value, or the time."""
_SAVING = ("save", "save_base", "_save_table", "_do_update")
"""The parts of a save that a model may do in its own way."""


def save_together(drafts: Sequence[Draft], alias: str) -> list[Draft]:
    """Write rows of one model, as many as possible at once.

    Args:
        drafts: judged drafts of locked rows.
        alias: the database, in a transaction.

    Returns:
        Those that are not written: each must be saved by itself, because its model does more than write, or because
        the database refuses one of those that would be written with it.
    """
    if not drafts or not _only_writes(type(drafts[0].instance)):
        return list(drafts)
    left: list[Draft] = []
    for alike in _groups(drafts, left):
        if len(alike) == 1 or not _written(alike, alias):
            left.extend(alike)
    return left


def _only_writes(model: type[models.Model]) -> bool:
    """Whether a save of an existing row is an UPDATE of one table, and nobody listens."""
    plain = all(getattr(model, name) is getattr(models.Model, name) for name in _SAVING)
    one_table = not model._meta.concrete_model._meta.parents  # type: ignore[union-attr]
    return plain and one_table and not (pre_save.has_listeners(model) or post_save.has_listeners(model))


def _groups(drafts: Iterable[Draft], left: list[Draft]) -> Iterable[list[Draft]]:
    """Return the drafts by what their rows get; those of which that can't be told go to ``left``."""
    groups: dict[_Values, list[Draft]] = {}
    for draft in drafts:
        values = _values(draft)
        if values is None:
            left.append(draft)
        else:
            groups.setdefault(values, []).append(draft)
    return groups.values()


def _values(draft: Draft) -> _Values | None:
    if any(type(field).pre_save not in _STAMPS for field in draft.written_fields):
        return None
    found = []
    for field in draft.changed_fields:
        value = getattr(draft.instance, field.attname)
        if hasattr(value, "resolve_expression"):
            return None
        key = written_document(value, field) if isinstance(field, models.JSONField) else value
        if key.__hash__ is None:
            return None
        found.append((field.attname, type(value), key))
    return tuple(found)


def _written(alike: Sequence[Draft], alias: str) -> bool:
    """Write rows that get the same values by one statement, and say whether that was done."""
    first = alike[0]
    values = {field.attname: _stamped(field, first.instance) for field in first.written_fields}
    rows = type(first.instance)._base_manager.using(alias).filter(pk__in=[draft.instance.pk for draft in alike])
    try:
        with transaction.atomic(using=alias):
            done = rows.update(**values) == len(alike)
            transaction.set_rollback(not done, using=alias)
    except (IntegrityError, DataError):
        return False
    for draft in alike if done else ():
        draft.restore(values)
    return done


def _stamped(field: AnyField, instance: models.Model) -> Any:
    return field.pre_save(instance, add=False)
