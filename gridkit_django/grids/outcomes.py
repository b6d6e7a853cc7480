"""What became of one row, and what a person who looks at a filtered and sorted grid wants to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gridkit_django.exceptions import EditInvalidError, RecordNotFoundError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.pointers import below, pointer
from gridkit_django.grids.query import QUERY, GridQuery
from gridkit_django.grids.records import get_record
from gridkit_django.grids.rows import Row, compile_query
from gridkit_django.grids.steps import Step
from gridkit_django.grids.time_limit import computable
from gridkit_django.typing import JSONValue


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row after it was changed.

    Attributes:
        op: what was done.
        key: the primary key.
        id: the primary key in its wire form.
        before: the row as it was; None for a new one. Values behind foreign keys are left out where they can't have
            changed.
        row: the row as it is; None when it was deleted.
        changed: ids of the columns whose values changed, in the grid's order; empty when nothing did.
        step: how to undo it; None when it can't be, or nothing changed.
    """

    op: Literal["create", "update", "delete"]
    key: Any
    id: JSONValue
    before: Row | None
    row: Row | None
    changed: tuple[str, ...]
    step: Step | None


def read_again(access: GridAccess, key: Any, alias: str, at: str) -> Row:
    """Return a row as it stands in the database now.

    Args:
        access: the grid and the user.
        key: the primary key.
        alias: the database.
        at: the member of the body that holds the new values, for the pointer.

    Raises:
        EditInvalidError: when the user may not see it: who can't see a row may not put one there.
    """
    try:
        return get_record(access, key, using=alias)
    except RecordNotFoundError as error:
        raise out_of_sight(at) from error


def out_of_sight(at: str) -> EditInvalidError:
    """Make the refusal of values with which a row would leave its editor's sight."""
    return EditInvalidError.at(
        pointer(at), "With these values the row would be none that you may see. Nothing was saved."
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in what a user looks at.

    Attributes:
        matches: whether the row is among the rows of the query; None without a query.
        moved: whether a value by which the rows are sorted is another than before; None without a query.
    """

    matches: bool | None = None
    moved: bool | None = None


NOWHERE = Place()


def place_of(access: GridAccess, outcome: Outcome, query: GridQuery | None, alias: str) -> Place:
    """Return where a row stands now.

    Args:
        access: the grid and the user.
        outcome: what became of the row.
        query: what the user looks at, or None.
        alias: the database.

    Raises:
        QueryError: when this grid can't answer the query.
    """
    if query is None or outcome.row is None:
        return NOWHERE
    with below(pointer(QUERY)):
        compiled = compile_query(access, query)
    with computable():
        matches = bool(compiled.rows.using(alias).filter(pk=outcome.key).exists())
    before, now = outcome.before, outcome.row
    sorted_by = [term.column.id for term in compiled.terms if term.column.id in access.by_id]
    moved = before is None or any(before.data.get(name, now.data[name]) != now.data[name] for name in sorted_by)
    return Place(matches, moved)
