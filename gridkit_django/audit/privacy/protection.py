"""What of a row's changes a record may hold: masked and encrypted values take the place of the true ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from django.apps import apps
from django.db import models

from gridkit_django.audit.masks import MASK, masked
from gridkit_django.audit.policies import CREATE, DELETE, AuditPolicy
from gridkit_django.audit.privacy.ciphers import Place, seal
from gridkit_django.audit.privacy.subject_keys import subject_keys
from gridkit_django.audit.privacy.subjects import Subject
from gridkit_django.audit.targets import ModelClass

_CHUNK = 500
_SIDES: Mapping[str, tuple[int, ...]] = {CREATE: (1,), DELETE: (0,)}


Told: TypeAlias = tuple[str, str, Mapping[str, Any]]
"""What happened to a row, its primary key as text, and field to ``[before, after]``, the true values."""


class Protection:
    """Gives what records of some rows of one model may hold; the keys of all of them are asked for together.

    Args:
        policy: the policy of the model.
        rows: the rows.
        using: alias of the database of the records.

    Raises:
        AuditKeyError: when values can't be encrypted.
    """

    def __init__(self, policy: AuditPolicy, rows: Sequence[Told], using: str) -> None:
        self._policy = policy
        self._hidden = policy.encrypt - policy.mask
        hiding = [row for row in rows if not self._hidden.isdisjoint(row[2])] if self._hidden else []
        self._leads = _Leads(policy, hiding, using) if hiding else None
        sides = {self._subject(row, side) for row in hiding for side in _SIDES.get(row[0], (0, 1))}
        self._keys = subject_keys().of_all(sides, using) if sides else {}

    def shown(self, row: Told, record: UUID) -> dict[str, Any]:
        """Return the changes of one of the rows as they may be stored.

        Args:
            row: the row.
            record: uuid that the record will have.
        """
        action, _, values = row
        policy, told = self._policy, dict(values)
        for name in policy.mask:
            if name in values or (action in _SIDES and policy.follows(name)):
                told[name] = _masked(policy, action, name, values.get(name))
        hidden = [name for name in values if name in self._hidden]
        sides = _SIDES.get(action, (0, 1)) if hidden else ()
        keys = {side: self._keys[self._subject(row, side)] for side in sides}
        for name in hidden:
            told[name] = list(values[name])
            for side, opened in keys.items():
                told[name][side] = seal(values[name][side], Place(record, name, side), opened.id, opened.key)
        return told

    def _subject(self, row: Told, side: int) -> Subject:
        itself = Subject(self._policy.model_label, row[1])
        return itself if self._leads is None else self._leads.subject(row, side) or itself


def _masked(policy: AuditPolicy, action: str, name: str, pair: Any) -> list[Any]:
    form = policy.mask_forms.get(name)
    if form is None or pair is None:
        return [MASK, MASK]
    sides = _SIDES.get(action, (0, 1))
    return [masked(value, form) if side in sides else None for side, value in enumerate(pair)]


class _Leads:
    """Tells whom the values of rows speak of, where the field of a policy leads to somebody."""

    def __init__(self, policy: AuditPolicy, rows: Sequence[Told], using: str) -> None:
        self._policy = policy
        self._stored: Mapping[str, Any] = {}
        if not policy.subject:
            return
        model = apps.get_model(policy.model_label)
        self._field: Any = model._meta.get_field(policy.subject)
        missing = [key for _, key, values in rows if values.get(policy.subject) is None]
        self._stored = _stored(model, self._field, missing, using)

    def subject(self, row: Told, side: int) -> Subject | None:
        """Return whom the values of one side speak of; None for the row itself."""
        if not self._policy.subject:
            return None
        pair = row[2].get(self._policy.subject)
        value = self._stored.get(row[1]) if pair is None else pair[side]
        if value is None:
            return None
        if isinstance(self._field, models.ForeignKey):
            return Subject.of_row(self._field.related_model, value)
        return Subject(f"{self._policy.model_label}.{self._field.name}", str(value))


def _stored(model: ModelClass, field: Any, keys: Sequence[str], using: str) -> Mapping[str, Any]:
    """Return what rows have in a field, by their keys; it was not changed, so it is what they had before, too."""
    rows, found = model._base_manager.using(using).order_by(), dict[str, Any]()
    for start in range(0, len(keys), _CHUNK):
        chosen = rows.filter(pk__in=keys[start : start + _CHUNK])
        found.update((str(key), value) for key, value in chosen.values_list("pk", field.attname))
    return found
