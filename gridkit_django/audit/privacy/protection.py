"""What of a row's changes a record may hold: masked and encrypted values take the place of the true ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models

from gridkit_django.audit.masks import MASK, masked
from gridkit_django.audit.policies import CREATE, DELETE, AuditPolicy
from gridkit_django.audit.privacy.ciphers import Place, seal
from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.audit.privacy.subjects import Subject

_SIDES: Mapping[str, tuple[int, ...]] = {CREATE: (1,), DELETE: (0,)}


def protected(
    policy: AuditPolicy, action: str, key: str, record: UUID, values: Mapping[str, Any], using: str
) -> dict[str, Any]:
    """Return the changes of a row as they may be stored.

    Args:
        policy: the policy of its model.
        action: what happened to it.
        key: its primary key as text.
        record: uuid that the record will have.
        values: field to ``[before, after]``, the true values.
        using: alias of the database.

    Raises:
        AuditKeyError: when a value can't be encrypted.
    """
    told = dict(values)
    if not policy.mask and not policy.encrypt:
        return told
    for name in policy.mask:
        if name in values or (action in _SIDES and policy.follows(name)):
            told[name] = _masked(policy, action, name, values.get(name))
    hidden = [name for name in values if name in policy.encrypt and name not in policy.mask]
    if not hidden:
        return told
    subjects, sides = _subjects(policy, action, key, values, using), _SIDES.get(action, (0, 1))
    keys = {subject: subject_keys().of(subject, using) for subject in {subjects[side] for side in sides}}
    for name in hidden:
        told[name] = list(values[name])
        for side in sides:
            opened = keys[subjects[side]]
            told[name][side] = seal(values[name][side], Place(record, name, side), opened.id, opened.key)
    return told


def _masked(policy: AuditPolicy, action: str, name: str, pair: Any) -> list[Any]:
    form = policy.mask_forms.get(name)
    if form is None or pair is None:
        return [MASK, MASK]
    sides = _SIDES.get(action, (0, 1))
    return [masked(value, form) if side in sides else None for side, value in enumerate(pair)]


def _subjects(
    policy: AuditPolicy, action: str, key: str, values: Mapping[str, Any], using: str
) -> tuple[Subject, Subject]:
    """Return whom the values before and after speak of: the row itself, or what the policy's field leads to."""
    itself = Subject(policy.model_label, key)
    if not policy.subject:
        return itself, itself
    model = apps.get_model(policy.model_label)
    field: Any = model._meta.get_field(policy.subject)
    pair = values.get(policy.subject)
    if pair is None:
        found = model._base_manager.using(using).filter(pk=key).values_list(field.attname, flat=True).first()
        pair = [found, found]
    before, after = (_subject(policy, field, value) or itself for value in pair)
    return before, after


def _subject(policy: AuditPolicy, field: models.Field[Any, Any], value: Any) -> Subject | None:
    if value is None:
        return None
    if isinstance(field, models.ForeignKey):
        return Subject.of_row(field.related_model, value)
    return Subject(f"{policy.model_label}.{field.name}", str(value))
