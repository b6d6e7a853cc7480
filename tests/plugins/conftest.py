"""A runtime that is empty before and after each test, a folder for site plugins, and a grid to act on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from gridkit_django.grids import Grid, grid_registry
from gridkit_django.plugins import PluginManager, plugin_manager
from tests.plugins.broken_site import site
from tests.plugins.samples import SAMPLES
from tests.shop.models import Order

__all__ = ["site"]


class PluginOrderGrid(Grid):
    class Meta:
        model = Order
        id = "plugin-orders"
        columns = ["quantity", "note"]


class ClosedGrid(Grid):
    """Served by the plugins that it names only."""

    class Meta:
        model = Order
        id = "closed-orders"
        columns = ["quantity"]
        plugins = {"chosen": {"greeting": "from the grid"}, "refused": False}


@pytest.fixture(autouse=True)
def grids() -> Iterator[None]:
    for grid in (PluginOrderGrid, ClosedGrid):
        grid_registry().register(grid)
    yield
    for grid in (PluginOrderGrid, ClosedGrid):
        grid_registry().unregister(grid.options.id)


@pytest.fixture(autouse=True)
def manager() -> Iterator[PluginManager]:
    """This process's manager, with nothing at work."""
    found = plugin_manager()
    found.stop_all()
    yield found
    found.stop_all()
    for sample in SAMPLES:
        found.runtime.catalog.remove_object(sample.metadata.id)


@pytest.fixture
def root(tmp_path: Path, settings: object) -> Path:
    """An empty folder for site plugins."""
    settings.GRIDKIT = {"PLUGIN_ROOT": str(tmp_path), "HOT_RELOAD": False}  # type: ignore[attr-defined]
    return tmp_path


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("root", password="root-of-all")
