"""A grid to try plugins on: Django's own groups, a table that every site has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.models import Group

from gridkit_django.grids import Grid, TextColumn, grid_registry

GRID = "gridkit-testing"


class GroupGrid(Grid):
    """The groups of the site, by name; every active plugin serves it."""

    name = TextColumn(editable=True)

    class Meta:
        model = Group
        id = GRID
        label = "Grid for tests"
        columns = ["name"]


@contextmanager
def registered_grid() -> Iterator[str]:
    """Register the grid for the length of the block and return its id."""
    grid_registry().register(GroupGrid)
    try:
        yield GRID
    finally:
        grid_registry().unregister(GRID)
