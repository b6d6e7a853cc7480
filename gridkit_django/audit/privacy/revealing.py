"""Reading encrypted values: for those who have the right, one look one record in the trail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from gridkit_django.audit.privacy.ciphers import Place, is_sealed, key_id_of, open_sealed
from gridkit_django.audit.privacy.subject_keys import OpenKey, subject_keys
from gridkit_django.audit.recorder import record
from gridkit_django.audit.targets import Target
from gridkit_django.exceptions import AccessDeniedError, AuditKeyError
from gridkit_django.models import AuditRecord, AuditSubjectKey

ERASED = "(erased)"
"""Stands for a value whose key was destroyed."""

DECRYPT = "gridkit_django.decrypt_audit"
"""The Django permission that it takes."""

DECRYPTED = "audit.decrypt"
"""The action of the record that it leaves."""


class Revealer:
    """Opens the encrypted values of records for one reader.

    Args:
        user: who reads.

    Raises:
        AccessDeniedError: without the right to.
    """

    def __init__(self, user: Any) -> None:
        if not user.has_perm(DECRYPT):
            raise AccessDeniedError(f"It takes the right {DECRYPT} to read encrypted values of the audit trail.")

    def reveal(self, records: Iterable[AuditRecord]) -> list[dict[str, Any]]:
        """Return the changes of each record, readable, and record that they were read.

        Only fields with encrypted values are told. A value whose key was destroyed is ``(erased)``; one that the
        database recorded without a key stays as it is.

        Raises:
            AuditKeyError: when a value or a key was changed; nothing is told then.
        """
        chosen = list(records)
        keys = _keys_of(chosen)
        told = [_opened(item, keys) for item in chosen]
        for item, changes in zip(chosen, told, strict=True):
            if changes:
                record(
                    DECRYPTED,
                    target=Target(item.target_type, item.target_id),
                    grid=item.grid,
                    evidence={"record": str(item.uuid), "fields": sorted(changes)},
                    using=item._state.db,
                )
        return told


def _keys_of(records: Iterable[AuditRecord]) -> dict[UUID, OpenKey | None]:
    """Return the open key of each key id that the records name; None for one that was destroyed."""
    chosen = list(records)
    named = {
        key_id_of(value)
        for item in chosen
        for pair in item.changes.values()
        for value in _sides(pair)
        if is_sealed(value)
    }
    places = {item._state.db for item in chosen} if named else set()
    rows = {key: row for using in places for key, row in AuditSubjectKey.objects.using(using).in_bulk(named).items()}
    if missing := named - rows.keys():
        raise AuditKeyError(f"The key {min(missing)} of an encrypted value is not stored. It was removed past GridKit.")
    return {key: None if row.wrapped is None else subject_keys().opened(row) for key, row in rows.items()}


def _opened(item: AuditRecord, keys: Mapping[UUID, OpenKey | None]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, pair in item.changes.items():
        sides = _sides(pair)
        if any(is_sealed(value) for value in sides):
            told[name] = [_value(value, Place(item.uuid, name, side), keys) for side, value in enumerate(sides)]
    return told


def _value(value: Any, place: Place, keys: Mapping[UUID, OpenKey | None]) -> Any:
    if not is_sealed(value):
        return value
    opened = keys[key_id_of(value)]
    return ERASED if opened is None else open_sealed(value, place, opened.key)


def _sides(pair: Any) -> list[Any]:
    return pair if isinstance(pair, list) else []
