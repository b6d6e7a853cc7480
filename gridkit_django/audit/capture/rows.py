"""What became of one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.backends.base.base import BaseDatabaseWrapper

from gridkit_django.audit.capture.plans import Watch
from gridkit_django.audit.capture.values import Field, differs
from gridkit_django.audit.policies import CREATE, DELETE, UPDATE

Values: TypeAlias = dict[str, Any]
"""Field name to ``[before, after]``."""

Unlabelled: TypeAlias = tuple[str, str, Values]
"""Action, key as text, and values of one row."""

Told: TypeAlias = tuple[str, str, Values, str]
"""The same with the label of the row."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row, as the driver gave it.

    Attributes:
        key: the values of its primary key (before, when that changed).
        before: its values before, None for a new row.
        after: its values after, None for a row that is gone.
    """

    key: tuple[Any, ...]
    before: tuple[Any, ...] | None
    after: tuple[Any, ...] | None

    @property
    def action(self) -> str:
        """What was done to it."""
        if self.before is None:
            return CREATE
        return DELETE if self.after is None else UPDATE


def changed_values(watch: Watch, connection: BaseDatabaseWrapper, fields: Sequence[Field], change: RowChange) -> Values:
    """Return each field whose value is another now; a field that is NULL in a new or deleted row is left out.

    Args:
        watch: of the row's table.
        connection: where the values come from.
        fields: the fields, in the order of the values.
        change: the row.
    """
    nothing = (None,) * len(fields)
    found: Values = {}
    readers = watch.readers(fields, connection)
    sides = (change.before or nothing, change.after or nothing)
    for (name, read, is_plain), before, after in zip(readers, *sides, strict=True):
        if before is after or (before == after and before is not None and after is not None):
            continue
        old = None if before is None and is_plain else read(before)
        new = None if after is None and is_plain else read(after)
        if differs(old, new):
            found[name] = [old, new]
    return found
