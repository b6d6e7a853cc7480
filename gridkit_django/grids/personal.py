"""Which columns of a grid hold personal data: those that the audit trail is told to hide."""

from __future__ import annotations

from typing import Any

from gridkit_django.audit import AuditPolicy, audit_policies
from gridkit_django.grids.columns import Column
from gridkit_django.grids.grid import Grid


def personal_columns(grid: type[Grid]) -> frozenset[str]:
    """Return the ids of the columns whose values some audit policy masks, encrypts or takes for a person's mark.

    It counts whoever said so: ``GRIDKIT["AUDIT_MODELS"]`` or a plugin, for this grid or another one of the same model.
    Columns that show another model's field are judged by the policies of that model.

    Args:
        grid: the grid.
    """
    by_model = audit_policies().table.by_model
    return frozenset(
        name
        for name, column in grid.columns().items()
        if any(_hides(policy, column.field.name) for policy in by_model.get(_model_of(column), ()))
    )


def _model_of(column: Column) -> str:
    options: Any = column.field.model._meta
    return str(options.concrete_model._meta.label_lower)


def _hides(policy: AuditPolicy, field: str) -> bool:
    return field in policy.mask or field in policy.encrypt or field == policy.subject
