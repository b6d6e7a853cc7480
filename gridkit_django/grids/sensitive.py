"""Which columns of a grid show values that a policy of the audit trail masks or encrypts, and which a question uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gridkit_django.audit.policies import AuditPolicy, PolicyTable, audit_policies
from gridkit_django.grids.columns import Column
from gridkit_django.grids.grid import Grid
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.tree import columns_of


def sensitive_columns(grid: type[Grid]) -> frozenset[str]:
    """Return the ids of the columns whose values a policy masks or encrypts, for whoever writes what people asked for.

    A column that shows a field of another model is judged by the policies over that model, too.

    Args:
        grid: the grid.
    """
    table = audit_policies().table
    if not table.hides:
        return frozenset()
    return frozenset(column.id for column in grid.columns().values() if _is_sensitive(grid, column, table))


def searched_columns(grid: type[Grid]) -> frozenset[str]:
    """Return the ids of the columns that a search may look into, whoever asks."""
    return frozenset(column.id for column in grid.columns().values() if column.searchable)


def used_columns(grid: type[Grid], query: GridQuery) -> frozenset[str]:
    """Return the columns that decide what is shown beyond the values of the rows themselves.

    These are the columns of filter, sort, search, groups, figures, pivot and of the facets beside the answer.

    Args:
        grid: the grid.
        query: the question.
    """
    pivot = query.pivot
    figures = (*query.aggregates, *(pivot.values if pivot else ()))
    groups = (*query.group, *(pivot.cols if pivot else ()))
    filtered = columns_of(query.filter) if query.filter is not None else ()
    searched = searched_columns(grid) if query.search else ()
    terms = (*(term.col for term in query.sort), *(term.col for term in groups), *(item.col for item in figures))
    return frozenset([*terms, *filtered, *searched, *query.include.facets])


def _is_sensitive(grid: type[Grid], column: Column, table: PolicyTable) -> bool:
    (own, _name), *_others = fields = list(_fields_on_the_way(grid, column))
    held = [policy for policy in _over(own, table) if _holds(policy, grid, table)]
    if any(column.id in policy.columns for policy in held):
        return True
    return any(
        name in policy.mask or name in policy.encrypt
        for labels, name in fields
        for policy in (held if labels is own else _over(labels, table))
    )


def _fields_on_the_way(grid: type[Grid], column: Column) -> Iterator[tuple[frozenset[str], str]]:
    """Yield each field that leads to the value of a column, with the models whose policies it falls under."""
    model: Any = grid.options.model
    for part in column.path.split("__"):
        field = model._meta.get_field(part)
        holders = {model._meta.concrete_model, field.model._meta.concrete_model}
        yield frozenset(holder._meta.label_lower for holder in holders), field.name
        model = field.related_model


def _over(labels: frozenset[str], table: PolicyTable) -> list[AuditPolicy]:
    return [policy for label in labels for policy in table.by_model.get(label, ())]


def _holds(policy: AuditPolicy, grid: type[Grid], table: PolicyTable) -> bool:
    """Whether a policy over the grid's model is about the grid: a grid without one of its own is under all others'."""
    mine = grid.options.id
    return policy.grid in ("", mine) or mine not in table.grids_of(policy.model_label)
