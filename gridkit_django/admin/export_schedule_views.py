"""Whose saved views a scheduled export may be of: those that its owner sees, and whoever fills in the form knows."""

from __future__ import annotations

from gridkit_django.exceptions import GridNotFoundError
from gridkit_django.exports import keeps_its_rows, may_ask
from gridkit_django.grids import open_grid
from gridkit_django.grids.rights import has_permission
from gridkit_django.grids.views import list_views, open_view
from gridkit_django.models import ExportSchedule, SavedView
from gridkit_django.typing import User

KNOW_ANY = "gridkit_django.view_savedview"
"""The Django permission to look at anybody's views in the admin, and so to choose one for a schedule."""


def known_views(grid_id: str, owner: User | None, asker: User | None) -> list[SavedView]:
    """Return the views of a grid that the owner of a schedule sees and the asker knows.

    The asker knows those that they see in the grid themselves; all of them with the right to look at anybody's views.

    Args:
        grid_id: id of the grid.
        owner: the owner of the schedule; None as long as there is none.
        asker: who fills in the form; None for nobody who could be told too much.
    """
    if owner is None or not grid_id:
        return []
    try:
        views = list_views(open_grid(grid_id, owner))
        if asker is None or asker.pk == owner.pk or has_permission(asker, KNOW_ANY):
            return list(views)
        known = {view.pk for view in list_views(open_grid(grid_id, asker))}
    except GridNotFoundError:
        return []
    return [view for view in views if view.pk in known]


def view_choices(grid_id: str, owner: User | None, asker: User | None) -> list[tuple[str, str]]:
    """Return id and name of the views that ``known_views`` gives."""
    return [(str(view.pk), f"{view.name} ({view.get_scope_display()})") for view in known_views(grid_id, owner, asker)]


def may_ask_view(view: SavedView, asker: User) -> bool:
    """Whether the asker might say which rows just as a view does, by the grid's own gate, as of now."""
    try:
        return keeps_its_rows(open_view(open_grid(view.grid, asker), view))
    except GridNotFoundError:
        return False


def sees_question(schedule: ExportSchedule, reader: User) -> bool:
    """Whether a reader may see what a schedule asks: its query and its view."""
    if not may_ask(schedule.grid, schedule.query, reader):
        return False
    view = SavedView.objects.filter(pk=schedule.view, grid=schedule.grid).first() if schedule.view else None
    if view is None:
        return True
    return view in known_views(schedule.grid, schedule.owner, reader) and may_ask_view(view, reader)
