"""One row while it is edited or made: assigned, judged by its model, saved field by field."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, models, transaction

from gridkit_django.exceptions import EditInvalidError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import CHANGES, VALUES
from gridkit_django.grids.pointers import pointer
from gridkit_django.grids.quick_saves import save_quickly
from gridkit_django.grids.refusals import CLASH, refusal

_IMMUTABLE = frozenset({str, int, bool, float, bytes, Decimal, date, datetime, time, timedelta, UUID, type(None)})
"""Types of most values, which need no copy to be kept."""


class Draft:
    """A row with values assigned but not yet saved.

    Args:
        access: the grid and the user.
        instance: the locked row; the draft changes it.
        values: column id to Python value, read by ``read_changes``.
        asked: ids of the columns that somebody asked to change, where that is said by other means than ``values``.

    Attributes:
        asked: ids of the columns that somebody asked to change; the model and handlers may change others with them.
        stored: the values of the row as it was, by the attribute names of their fields.
        changed_fields: once judged, the fields whose values differ from the stored ones, those that the model's
            ``clean`` changed included.
    """

    _at = CHANGES
    changed_fields: tuple[models.Field[Any, Any], ...] = ()

    def __init__(
        self, access: GridAccess, instance: models.Model, values: Mapping[str, Any], *, asked: Collection[str] = ()
    ) -> None:
        self.instance = instance
        self._access = access
        self.asked: Collection[str] = (*values, *asked)
        self.stored = {field.attname: _kept(getattr(instance, field.attname)) for field in self._fields}
        for name, value in values.items():
            setattr(instance, access.column(name).field.attname, value)

    @property
    def written_fields(self) -> tuple[models.Field[Any, Any], ...]:
        """The changed fields and those that Django stamps at every save."""
        changed = self.changed_fields
        stamped = (field for field in self._fields if getattr(field, "auto_now", False) and field not in changed)
        return (*changed, *stamped)

    @property
    def changed(self) -> dict[str, Any]:
        """The visible columns that differ, with their new Python values, in the grid's order."""
        names = {field.name for field in self.changed_fields}
        return {
            column.id: getattr(self.instance, column.field.attname)
            for column in self._access.version_columns
            if column.field.name in names
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Assign values by the attribute names of their fields, whoever may see them."""
        for attname, value in values.items():
            setattr(self.instance, attname, value)

    def judge(self) -> None:
        """Ask the model whether it takes the values: fields, ``clean``, uniqueness, constraints, in this order.

        Raises:
            EditInvalidError: at the first of these steps that refuses, with a pointer for each fault.
        """
        for step in self._judges():
            try:
                step()
            except ValidationError as error:
                raise refusal(self._access, error, self.asked, self._at) from error
        self.changed_fields = self._differing()

    def save(self, alias: str) -> None:
        """Write the row. When it is refused, the transaction can only be rolled back (to the caller's savepoint).

        Args:
            alias: the database.

        Raises:
            EditInvalidError: when the model or the database refuses at the last moment.
        """
        try:
            with transaction.atomic(using=alias, savepoint=False):
                self._write(alias)
        except ValidationError as error:
            raise refusal(self._access, error, self.asked, self._at) from error
        except (IntegrityError, DataError) as error:
            raise EditInvalidError.at(pointer(self._at), CLASH) from error

    def _judges(self) -> Sequence[Callable[[], None]]:
        """Only the changed fields are judged one by one: an old row that breaks a new rule elsewhere can be edited."""
        instance = self.instance
        return (
            lambda: instance.clean_fields(exclude=self._unchanged()),
            instance.clean,
            lambda: instance.validate_unique(exclude=self._unchanged(unique=True)),
            instance.validate_constraints,
        )

    def _write(self, alias: str) -> None:
        """Write the row by the model's own ``save``, or by the statement that it comes to where it adds nothing."""
        fields = self.written_fields
        if not save_quickly(self.instance, fields, alias):
            self.instance.save(using=alias, update_fields=[field.name for field in fields])

    @cached_property
    def _fields(self) -> tuple[models.Field[Any, Any], ...]:
        return tuple(
            field
            for field in self.instance._meta.concrete_fields
            if not field.primary_key and not isinstance(field, models.GeneratedField)
        )

    def _unchanged(self, *, unique: bool = False) -> Collection[str]:
        """Return the names of the fields as they were; with ``unique``, only those that are unique by themselves."""
        changed = {field.name for field in self._differing()}
        fields = self.instance._meta.concrete_fields
        return {field.name for field in fields if field.name not in changed and (field.unique or not unique)}

    def _differing(self) -> tuple[models.Field[Any, Any], ...]:
        return tuple(field for field in self._fields if not self._same(field))

    def _same(self, field: models.Field[Any, Any]) -> bool:
        """Whether a field's value is the stored one; 1 and true are equal in Python, but not in a document."""
        old, new = self.stored[field.attname], getattr(self.instance, field.attname)
        if isinstance(field, models.JSONField) and old == new:
            return written_document(old, field) == written_document(new, field)
        return bool(old == new)


class NewDraft(Draft):
    """A row that is not there yet.

    Args:
        access: the grid and the user.
        instance: the row, unsaved.
        values: column id to Python value, read by ``read_changes``.
    """

    _at = VALUES

    def __init__(self, access: GridAccess, instance: models.Model, values: Mapping[str, Any]) -> None:
        super().__init__(access, instance, values)
        # What was left out is a fault of its own: it has a pointer, too.
        self.asked = frozenset(column.id for column in access.editable_columns)

    def _judges(self) -> Sequence[Callable[[], None]]:
        """All fields are judged: a row must not begin with a fault."""
        instance = self.instance
        return (instance.clean_fields, instance.clean, instance.validate_unique, instance.validate_constraints)

    def _write(self, alias: str) -> None:
        self.instance.save(using=alias, force_insert=True)


def written_document(value: Any, field: models.JSONField[Any, Any]) -> str:
    """Return the one text of a document, in which 1 and true are not equal as they are in Python."""
    return json.dumps(value, sort_keys=True, cls=field.encoder)


def _kept(value: Any) -> Any:
    """Return a value that stays as it is when the row is changed."""
    return value if type(value) in _IMMUTABLE else copy.deepcopy(value)
