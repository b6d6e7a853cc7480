"""What else would go when a row is deleted: rows that point at it and are deleted with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import models
from django.db.models.deletion import Collector, ProtectedError, RestrictedError
from django.utils.text import capfirst

from gridkit_django.exceptions import DeleteCascadesError, DeleteProtectedError
from gridkit_django.grids.access import GridAccess, model_permission
from gridkit_django.grids.rights import has_permission
from gridkit_django.typing import JSONValue

NAMES_MAX = 5
"""Kinds of rows that a refusal names at most."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """What the deletion of a row takes along.

    Attributes:
        others: model to how many of its rows are deleted with it, links of many-to-many fields left out.
        alone: whether the row is all that changes: nothing else is deleted, and nothing loses a pointer to it.
    """

    others: dict[type[models.Model], int]
    alone: bool

    def to_json(self) -> list[JSONValue]:
        """Write what goes along as JSON."""
        return [
            {"label": capfirst(str(model._meta.verbose_name_plural)), "count": count}
            for model, count in self.others.items()
        ]


def cascade_of(access: GridAccess, instance: models.Model, alias: str) -> Cascade:
    """Return what the deletion of a row would take along.

    Args:
        access: the grid and the user.
        instance: the locked row.
        alias: the database.

    Raises:
        DeleteProtectedError: when other rows forbid it, or the user may not delete what would go along.
    """
    collector = Collector(using=alias, origin=instance)
    try:
        collector.collect([instance])
    except (ProtectedError, RestrictedError) as error:
        raise _protected(access, error) from error
    found: Counter[type[models.Model]] = Counter()
    for model, rows in collector.data.items():
        found[model] += len(rows)
    for queryset in collector.fast_deletes:
        found[queryset.model] += queryset.count()
    for model in (type(instance), *instance._meta.get_parent_list()):
        found[model] -= 1 if found[model] else 0
    alone = not any(found.values()) and not _has_updates(collector)
    others = {model: count for model, count in found.items() if count > 0 and not model._meta.auto_created}
    if not all(_may_delete(access, model) for model in others):
        raise DeleteProtectedError(
            "Other rows that you may not delete depend on this one. Ask somebody who may, or leave the row."
        )
    return Cascade(others, alone)


def require_consent(cascade: Cascade, *, given: bool) -> None:
    """Refuse a deletion that takes other rows along without a word about them.

    Raises:
        DeleteCascadesError: when there are such rows and ``given`` is false.
    """
    if cascade.others and not given:
        count = sum(cascade.others.values())
        named = ", ".join(str(model._meta.verbose_name_plural) for model in list(cascade.others)[:NAMES_MAX])
        raise DeleteCascadesError(
            f"{count} other rows ({named}) would be deleted with this one. Ask again with cascade to delete them too.",
            extra={"cascades": cascade.to_json()},
        )


def _may_delete(access: GridAccess, model: type[models.Model]) -> bool:
    return has_permission(access.user, model_permission(model, "delete"))


def _has_updates(collector: Collector) -> bool:
    """Whether rows elsewhere would lose their pointer to the row."""
    return any(
        item.exists() if isinstance(item, models.QuerySet) else bool(item)
        for groups in collector.field_updates.values()
        for item in groups
    )


def _protected(access: GridAccess, error: ProtectedError | RestrictedError) -> DeleteProtectedError:
    """Say what needs the row, as far as the user may know of such rows."""
    rows = error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    kinds = {type(row) for row in rows}
    seen = sorted(
        str(model._meta.verbose_name_plural)
        for model in kinds
        if has_permission(access.user, model_permission(model, "view"))
    )
    named = ", ".join(seen[:NAMES_MAX]) if len(seen) == len(kinds) else "other rows"
    return DeleteProtectedError(
        f"The row can't be deleted, because {named} depend on it. Delete or change those first.",
    )
