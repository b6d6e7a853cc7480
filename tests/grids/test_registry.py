"""The registry of grids and the rows that mirror it."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.management import call_command

from gridkit_django.exceptions import GridDeclarationError, GridNotFoundError
from gridkit_django.grids import Grid, GridRegistry, grid_registry, register
from gridkit_django.grids.registration import sync_registered_grids
from gridkit_django.models import RegisteredGrid
from tests.grids.shop import OrderGrid, ProductGrid
from tests.shop.models import Order


def test_registered_grid_is_found_by_its_id() -> None:
    registry = GridRegistry()
    registry.register(ProductGrid)
    registry.register(OrderGrid)
    registry.register(OrderGrid)
    assert registry.get("query-orders") is OrderGrid
    assert registry.all() == (OrderGrid, ProductGrid)


def test_unknown_grid_is_refused_and_its_name_is_echoed_safely() -> None:
    with pytest.raises(GridNotFoundError, match=r"no grid 'n\\ud800'"):
        GridRegistry().get("n\ud800")


def test_second_grid_with_the_same_id_is_refused() -> None:
    class Twin(Grid):
        class Meta:
            model = Order
            id = "query-orders"
            columns = ["id"]

    registry = GridRegistry()
    registry.register(OrderGrid)
    with pytest.raises(GridDeclarationError, match="both have the id 'query-orders'"):
        registry.register(Twin)


def test_base_without_meta_is_no_grid() -> None:
    with pytest.raises(GridDeclarationError, match="no class Meta"):
        GridRegistry().register(Grid)


@pytest.fixture
def registered() -> object:
    register(OrderGrid)
    yield OrderGrid
    grid_registry().unregister("query-orders")


def test_decorator_registers_in_the_process_and_gives_the_class_back(registered: object) -> None:
    assert grid_registry().get("query-orders") is registered
    grid_registry().unregister("query-orders")
    grid_registry().unregister("query-orders")
    with pytest.raises(GridNotFoundError):
        grid_registry().get("query-orders")


@pytest.mark.django_db
@pytest.mark.usefixtures("registered")
def test_migrate_writes_a_row_for_each_grid_and_keeps_the_rows_of_gone_ones() -> None:
    RegisteredGrid.objects.create(grid_id="gone", label="Gone", model_label="shop.Gone")
    RegisteredGrid.objects.create(grid_id="query-orders", label="Old label", model_label="x.Y")
    call_command("migrate", verbosity=0)
    row = RegisteredGrid.objects.get(grid_id="query-orders")
    assert (row.label, row.model_label) == ("Orders", "shop.Order")
    assert RegisteredGrid.objects.filter(grid_id="gone").exists()


class NoTables:
    """The models of a database where our migrations were taken back."""

    def get_model(self, *names: str) -> None:
        raise LookupError(names)


class Elsewhere:
    """A router that keeps our tables out of a database."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return app_label != "gridkit_django"


@pytest.mark.django_db
@pytest.mark.usefixtures("registered")
def test_nothing_is_written_where_the_table_is_not(settings: object) -> None:
    sync_registered_grids(apps=NoTables())  # type: ignore[arg-type]
    settings.DATABASE_ROUTERS = [Elsewhere()]  # type: ignore[attr-defined]
    sync_registered_grids(apps=apps)
    assert not RegisteredGrid.objects.filter(grid_id="query-orders").exists()
