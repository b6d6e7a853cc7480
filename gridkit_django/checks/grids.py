"""Checks of the declared grids."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from gridkit_django.exceptions import SettingsError
from gridkit_django.grids.registry import grid_registry


def check_grids(**_kwargs: Any) -> list[CheckMessage]:
    """Report the faults of every registered grid (``gridkit.E101`` to ``E114``).

    E101: a path is no database field. E102: a path leads to many rows. E103: no kind of column shows the field.
    E104: an unknown or unsortable default sort. E105: an unknown or unsearchable search column. E106: no columns,
    unlisted or repeated ones. E107: an editable column that can't be written. E108: another option is wrong.
    E109: a column's permission is no permission. E110: a lookup on what is no foreign key.
    E111: a get_queryset whose rows can't be filtered and ordered, or that would load objects beside them.
    E112: a django-filter filter that can't serve the grid, or belongs to no column. E113: an audit label that is none.
    E114: a format or a style that does not fit its column.
    """
    try:
        return [
            Error(fault.detail, obj=grid, id=f"gridkit.{fault.code}")
            for grid in grid_registry().all()
            for fault in grid.faults()
        ]
    except SettingsError:
        return []  # gridkit.E001 has told it; without settings the options can't be judged
