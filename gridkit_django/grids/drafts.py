"""One locked row while it is edited: assigned, judged by its model, saved field by field."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connections, models, transaction
from django.db.models import F

from gridkit_django.exceptions import EditInvalidError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import CHANGES
from gridkit_django.grids.pointers import pointer
from gridkit_django.grids.records import record_not_found
from gridkit_django.grids.refusals import CLASH, refusal


def write_alias(access: GridAccess) -> str:
    """Return the alias of the database that edits of this grid go to."""
    return access.queryset().select_for_update().db


def lock_row(access: GridAccess, key: Any, alias: str) -> models.Model:
    """Lock one row until the transaction ends and return it as it is now.

    Where the database locks rows, this is ``SELECT … FOR UPDATE`` (weaker where the database knows a lock that leaves
    foreign keys to the row alone). SQLite locks the whole database at the first write: so the first statement there is
    a write that changes nothing, and what is read after it can't be stale.

    Args:
        access: the grid; whether the user may see the row is judged by the caller, after the lock.
        key: the primary key.
        alias: the database, in a transaction.

    Raises:
        RecordNotFoundError: when there is no such row.
    """
    rows = access.options.model._base_manager.using(alias).filter(pk=key)
    features = connections[alias].features
    if features.has_select_for_update:
        of = ("self",) if features.has_select_for_update_of else ()
        rows = rows.select_for_update(of=of, no_key=features.has_select_for_no_key_update)
    else:
        _lock_database(rows)
    instance = rows.first()
    if instance is None:
        raise record_not_found()
    return instance


def _lock_database(rows: models.QuerySet[Any]) -> None:
    plain = (
        field
        for field in rows.model._meta.local_concrete_fields
        if not field.primary_key and not isinstance(field, models.GeneratedField)
    )
    field = next(plain, None)
    if field is not None:
        rows.update(**{field.attname: F(field.attname)})


class Draft:
    """A row with values assigned but not yet saved.

    Args:
        access: the grid and the user.
        instance: the locked row; the draft changes it.
        values: column id to Python value, read by ``read_changes``.
    """

    def __init__(self, access: GridAccess, instance: models.Model, values: Mapping[str, Any]) -> None:
        self._access = access
        self._instance = instance
        self._asked = tuple(values)
        self._stored = {field.attname: copy.deepcopy(getattr(instance, field.attname)) for field in self._fields}
        for name, value in values.items():
            setattr(instance, access.column(name).field.attname, value)

    @property
    def changed_fields(self) -> tuple[models.Field[Any, Any], ...]:
        """The fields whose values differ from the stored ones, those that the model's ``clean`` changed included."""
        return tuple(field for field in self._fields if not self._same(field))

    @property
    def changed(self) -> dict[str, Any]:
        """The visible columns that differ, with their new Python values, in the grid's order."""
        names = {field.name for field in self.changed_fields}
        return {
            column.id: getattr(self._instance, column.field.attname)
            for column in self._access.version_columns
            if column.field.name in names
        }

    def judge(self) -> None:
        """Ask the model whether it takes the values: fields, ``clean``, uniqueness, constraints, in this order.

        Only the changed fields are judged one by one: an old row that breaks a new rule elsewhere can still be edited.

        Raises:
            EditInvalidError: at the first of these steps that refuses, with a pointer for each fault.
        """
        instance = self._instance
        steps: tuple[Callable[[], None], ...] = (
            lambda: instance.clean_fields(exclude=self._unchanged()),
            instance.clean,
            lambda: instance.validate_unique(exclude=self._unchanged(unique=True)),
            instance.validate_constraints,
        )
        for step in steps:
            try:
                step()
            except ValidationError as error:
                raise refusal(self._access, error, self._asked) from error

    def save(self, alias: str) -> None:
        """Write the changed fields and those that Django stamps at every save.

        Raises:
            EditInvalidError: when the model or the database refuses at the last moment; the transaction goes on.
        """
        stamped = [field for field in self._fields if getattr(field, "auto_now", False)]
        names = {field.name for field in (*self.changed_fields, *stamped)}
        try:
            with transaction.atomic(using=alias):
                self._instance.save(using=alias, update_fields=sorted(names))
        except ValidationError as error:
            raise refusal(self._access, error, self._asked) from error
        except (IntegrityError, DataError) as error:
            raise EditInvalidError.at(pointer(CHANGES), CLASH) from error

    @cached_property
    def _fields(self) -> tuple[models.Field[Any, Any], ...]:
        return tuple(
            field
            for field in self._instance._meta.concrete_fields
            if not field.primary_key and not isinstance(field, models.GeneratedField)
        )

    def _unchanged(self, *, unique: bool = False) -> Collection[str]:
        """Return the names of the fields as they were; with ``unique``, only those that are unique by themselves."""
        changed = {field.name for field in self.changed_fields}
        fields = self._instance._meta.concrete_fields
        return {field.name for field in fields if field.name not in changed and (field.unique or not unique)}

    def _same(self, field: models.Field[Any, Any]) -> bool:
        """Whether a field's value is the stored one; 1 and true are equal in Python, but not in a document."""
        old, new = self._stored[field.attname], getattr(self._instance, field.attname)
        if isinstance(field, models.JSONField) and old == new:
            return _written(old, field) == _written(new, field)
        return bool(old == new)


def _written(value: Any, field: models.JSONField[Any, Any]) -> str:
    return json.dumps(value, sort_keys=True, cls=field.encoder)
