"""Making a deleted row again from the record of its deletion: with its key, and only when all of it is known."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models

from gridkit_django.audit import audit_policies
from gridkit_django.audit.policies import CREATE, DELETE, UPDATE
from gridkit_django.exceptions import RevertError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.creation import carry_out_new
from gridkit_django.grids.outcomes import Outcome
from gridkit_django.grids.records import read_key
from gridkit_django.grids.steps import stored_fields
from gridkit_django.grids.undo import OldDraft, is_stamped
from gridkit_django.models import AuditRecord


def revive(access: GridAccess, alias: str, record: AuditRecord, pairs: Mapping[str, Any]) -> Outcome:
    """Make the row of a deletion again, inside the caller's transaction.

    Args:
        access: the grid and the user, whose rights were asked.
        alias: the database of the row.
        record: the record of the deletion.
        pairs: field to what it was and None; all of them in the clear.

    Raises:
        RevertError: there is a row with this key, the row was there again since, the record does not hold all of it,
            or what it led to is no more.
        EditInvalidError: the model or the database refuses, a value that must be unique is taken, or the user could
            not see the row.
    """
    model = access.options.model
    key = read_key(access, record.target_id)
    if model._base_manager.using(alias).filter(pk=key).exists():
        raise RevertError("There is a row with this key. Compare it with the record and edit it.")
    _require_newest(record)
    columns, links = _sorted(model, pairs)
    _require_whole(record, model, columns)
    instance = model()
    draft = OldDraft(access, instance, {})
    draft.restore({"pk": key, **{item.attname: _read(item, pairs[item.name][0]) for item in columns}})
    outcome = carry_out_new(access, alias, draft)
    for link in links:
        _link(instance, link, pairs[link.name][0], alias)
    return outcome


def _require_newest(record: AuditRecord) -> None:
    rows = AuditRecord.objects.using(record._state.db).filter(target_type=record.target_type, pk__gt=record.pk)
    if rows.filter(target_id=record.target_id, action__in=(CREATE, UPDATE, DELETE)).exists():
        raise RevertError("The row was there again and has gone since. Take its newest deletion back.")


def _sorted(model: type[models.Model], pairs: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return the stored fields and the many-to-many fields that a record names.

    Raises:
        RevertError: when the model has lost one of them, or its pairs hold more than two keys.
    """
    columns: list[Any] = []
    links: list[Any] = []
    for name in pairs:
        try:
            field: Any = model._meta.get_field(name)
        except FieldDoesNotExist as error:
            raise RevertError(f"The model has no field {name!r} any more, so the row can't be as it was.") from error
        if field.many_to_many and not field.remote_field.through._meta.auto_created:
            raise RevertError(f"The links of {name!r} held more than the record does, so the row can't be as it was.")
        (links if field.many_to_many else columns).append(field)
    return columns, links


def _require_whole(record: AuditRecord, model: type[models.Model], columns: list[Any]) -> None:
    """Refuse when the record leaves a field out for another reason than that it was empty."""
    policy = audit_policies().table.effective(record.target_type, record.grid)
    lacking = [item for item in stored_fields(model) if not item.primary_key and item not in columns]
    unknown = [
        item.name
        for item in lacking
        if not is_stamped(item) and (not item.null or policy is None or not policy.follows(item.name))
    ]
    if unknown:
        raise RevertError(
            f"The record does not hold all of the row: {', '.join(unknown)}. Make the row where rows are made.",
            extra={"fields": unknown},
        )


def _read(field: Any, value: Any) -> Any:
    """Return the Python value of what a record keeps.

    Raises:
        RevertError: when the field takes no such value any more.
    """
    if value is None:
        return None
    if isinstance(field, models.JSONField):
        return json.loads(json.dumps(value), cls=field.decoder)
    try:
        if isinstance(field, models.BinaryField):
            return base64.b64decode(value, validate=True)
        return field.to_python(value)
    except (ValidationError, ValueError, TypeError) as error:
        raise RevertError(f"The field {field.name!r} does not take the value that the record keeps.") from error


def _link(instance: models.Model, field: Any, keys: Any, alias: str) -> None:
    wanted = list(keys)
    there = field.related_model._base_manager.using(alias).filter(pk__in=wanted).count()
    if there != len(set(map(str, wanted))):
        raise RevertError(f"Some of what the row was linked to by {field.name!r} is gone, so it can't be as it was.")
    getattr(instance, field.name).set(wanted)
