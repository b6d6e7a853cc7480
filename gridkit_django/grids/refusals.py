"""Tells a person why the model or the database refuses an edit, without a word about what they may not see."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from gridkit_django.exceptions import EditInvalidError, ErrorItem
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.changes import CHANGES
from gridkit_django.grids.pointers import pointer

HIDDEN = "The values contradict a rule of the row. Nothing was saved."
"""What is said when the reason lies in fields that the user may not see."""

CLASH = "The database refuses the values: they break one of its rules. Nothing was saved."
"""What is said of a constraint's failure: the database's own text may quote values of other rows."""


def refusal(
    access: GridAccess, error: ValidationError, changed: Collection[str], at: str = CHANGES
) -> EditInvalidError:
    """Turn a model's refusal into an error with pointers.

    Args:
        access: the grid and the user.
        error: what the model's validation raised.
        changed: ids of the columns that the edit names, or could have named.
        at: the member of the body that holds the values, for pointers.
    """
    items = list(_items(access, error, changed, at))
    return EditInvalidError("The row can't be saved with these values. Nothing was saved.", errors=items)


def _items(access: GridAccess, error: ValidationError, changed: Collection[str], at: str) -> Iterator[ErrorItem]:
    columns = {column.field.name: column for column in access.version_columns}
    by_field = error.update_error_dict({})
    for name, errors in by_field.items():
        column = columns.get(name)
        in_edit = column is not None and column.id in changed
        place = pointer(at, column.id) if column is not None and in_edit else pointer(at)
        for item in errors:
            known = name == NON_FIELD_ERRORS or column is not None
            text = " ".join(item.messages) if known and _speaks_of(item) <= columns.keys() else HIDDEN
            named = column is not None and not in_edit and text != HIDDEN
            yield ErrorItem(place, EditInvalidError.code, f"{column.label}: {text}" if column and named else text)


def _speaks_of(error: ValidationError) -> frozenset[str]:
    """Return the fields that Django's text about uniqueness names."""
    return frozenset((error.params or {}).get("unique_check", ()))
