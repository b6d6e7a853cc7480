"""Looks at rows, where a policy of the audit trail wants them told: one record a page, with the keys that were seen."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import router, transaction

from gridkit_django.audit import Target, record
from gridkit_django.audit.masks import MASK
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.searching import READ
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.audit_reading import note
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import Row, RowsPage
from gridkit_django.grids.sensitive import searched_columns, sensitive_columns, used_columns
from gridkit_django.models import AuditRecord
from gridkit_django.typing import JSONValue

VIEW = "row.view"
FILTER = "filter.sensitive"


def note_page(access: GridAccess, page: RowsPage) -> None:
    """Record that a page of rows was read, when a policy over the model says so.

    ``views`` of the policy is the share of looks that leave a record; a question that uses a column which a policy
    masks or encrypts always leaves one, without the values.

    A grid over the audit trail itself leaves ``audit.read``, as every reading of the trail does.

    Args:
        access: the grid and the user.
        page: what was answered.
    """
    if access.options.model is AuditRecord:
        rows = [row.id for row in page.rows if row.group is None]
        note(READ, {"grid": access.grid_id, "query": told_query(access, page.query), "rows": rows})
        return
    note_use(access, used_columns(access.grid, page.query))
    if _drawn(_policies(access)):
        rows = [row.id for row in page.rows if row.group is None]
        columns = list(page.query.columns or access.by_id)
        told = {"rows": rows, "columns": columns, "query": told_query(access, page.query)}
        _write(access, VIEW, Target("grid", access.grid_id, str(access.options.label)), told)


def note_use(access: GridAccess, used: Collection[str]) -> None:
    """Record that somebody asked by columns which a policy masks or encrypts, or for their values.

    Args:
        access: the grid and the user.
        used: ids of the columns.
    """
    sensitive = sorted(sensitive_columns(access.grid).intersection(used)) if used else ()
    if sensitive:
        _write(access, FILTER, Target("grid", access.grid_id, str(access.options.label)), {"columns": sensitive})


def note_row(access: GridAccess, row: Row) -> None:
    """Record that one row was read, when a policy over the model says so."""
    if access.options.model is AuditRecord:
        note(READ, {"grid": access.grid_id, "rows": [row.id]})
    elif _drawn(_policies(access)):
        target = Target.of_row(access.options.model, row.id)
        _write(access, VIEW, target, {"rows": [row.id], "columns": list(access.by_id)})


def told_query(access: GridAccess, query: GridQuery) -> dict[str, JSONValue]:
    """Return what of a query may stand in the trail: filter and search, without values of sensitive fields."""
    hidden = sensitive_columns(access.grid)
    raw = query.to_dict()
    told: dict[str, JSONValue] = {}
    if raw.get("filter") is not None:
        told["filter"] = _without_values(raw["filter"], hidden)
    if raw.get("search"):
        told["search"] = MASK if hidden & searched_columns(access.grid) else raw["search"]
    return told


def _policies(access: GridAccess) -> Sequence[AuditPolicy]:
    label = access.options.model._meta.concrete_model._meta.label_lower  # type: ignore[union-attr]
    found = audit_policies().table.by_model.get(label, ())
    return [policy for policy in found if policy.grid in ("", access.grid_id)] if found else found


def _drawn(policies: Sequence[AuditPolicy]) -> bool:
    """Whether this look is one of the share that is told."""
    share = max((policy.views for policy in policies), default=0.0)
    return share > 0 and (share >= 1 or random.random() < share)  # noqa: S311 - a sample, no secret


def _without_values(node: Any, hidden: frozenset[str]) -> Any:
    if isinstance(node, Mapping):
        masked = node.get("col") in hidden
        return {
            key: MASK if masked and key not in {"col", "op"} else _without_values(value, hidden)
            for key, value in node.items()
        }
    return [_without_values(item, hidden) for item in node] if isinstance(node, (list, tuple)) else node


def _write(access: GridAccess, action: str, target: Target, evidence: Mapping[str, Any]) -> None:
    with transaction.atomic(using=router.db_for_write(AuditRecord)):
        record(action, target=target, grid=access.grid_id, evidence=evidence)
