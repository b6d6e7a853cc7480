"""Keeps one row per declared grid, so that rights on a single grid can be granted."""

from __future__ import annotations

from typing import Any

from django.apps import apps as global_apps
from django.apps.registry import Apps
from django.db import DEFAULT_DB_ALIAS, router

from gridkit_django.grids.registry import grid_registry
from gridkit_django.models import RegisteredGrid


def sync_registered_grids(*, using: str = DEFAULT_DB_ALIAS, apps: Apps = global_apps, **_kwargs: Any) -> None:
    """Receiver of ``post_migrate``: write the row of each declared grid.

    The row of a grid that is gone stays: nobody can open it, and the rights granted on it survive a deploy that is
    taken back.

    Args:
        using: alias of the database that was migrated.
        apps: the models as they are after the migration (``flush`` names none); without our table there is nothing
            to do.
    """
    try:
        apps.get_model("gridkit_django", "RegisteredGrid")
    except LookupError:
        return
    if not router.allow_migrate_model(using, RegisteredGrid):
        return
    for grid in grid_registry().all():
        options = grid.options
        RegisteredGrid.objects.using(using).update_or_create(
            grid_id=options.id,
            defaults={"label": str(options.label)[:200], "model_label": options.model._meta.label},
        )
