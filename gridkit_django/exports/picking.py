"""Picked rows: an export of just these, of one page, or of all that match but some.

What was picked narrows what the owner may see. So it can never add a row, and every source of rows honours it.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from gridkit_django.exceptions import QueryError
from gridkit_django.exports.request import ExportRequest
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import fetch_window
from gridkit_django.grids.selection import Selection
from gridkit_django.models import ExportJob


class PickedAccess(GridAccess):
    """A grid in the hands of a user, of which only the picked rows are there.

    Args:
        access: the grid as the user may see it.
        selection: what was picked.
    """

    def __init__(self, access: GridAccess, selection: Selection) -> None:
        super().__init__(access.grid, access.user, access.rights)
        self._whole = access
        self._selection = selection

    def queryset(self) -> models.QuerySet[Any]:
        """Return the rows that the user may see and that were picked, unordered.

        Raises:
            QueryError: when the selection names what this user can't ask.
        """
        rows = self._whole.queryset()
        return rows.filter(pk__in=self._selection.rows(self._whole, rows.db).values("pk"))


def picked(access: GridAccess, selection: Selection | None) -> GridAccess:
    """Return the grid with just the rows that were picked; all of them for None."""
    return access if selection is None else PickedAccess(access, selection)


def picked_by(access: GridAccess, job: ExportJob) -> GridAccess:
    """Return the grid with just the rows that a job is about.

    Raises:
        QueryError: when the stored selection can't be read any more.
    """
    selection = selection_of(job)
    return access if selection is None else PickedAccess(access, selection)


def selection_of(job: ExportJob) -> Selection | None:
    """Return the selection that a job keeps; None for all rows.

    Raises:
        QueryError: when the stored selection can't be read any more.
    """
    stored = job.selection
    if stored is None:
        return None
    # The keys were judged when they were picked; a door may have let more pass than a request may name.
    query = None if stored["query"] is None else GridQuery.from_dict(stored["query"])
    return Selection(query, tuple(stored["include"]), tuple(stored["exclude"]))


def page_of(access: GridAccess, query: GridQuery) -> Selection:
    """Pick the rows of the query's window, as they are now.

    Raises:
        QueryError: when the query asks for groups: their rows are no page.
    """
    if query.is_grouped:
        raise QueryError.at("/query/group", "A page of groups can't be exported. Ask for all rows, or open a group.")
    return Selection(include=tuple(row.id for row in fetch_window(access, query).rows))


def settled(access: GridAccess, request: ExportRequest) -> tuple[GridQuery, Selection | None]:
    """Return the question and the selection as a job keeps them: one place says which rows, in one time zone."""
    if request.selection is None:
        return request.query, None
    return request.query.with_changes(filter=None, search=""), request.selection.frozen(access)
