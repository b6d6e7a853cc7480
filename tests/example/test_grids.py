from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from example_project.flights.dataset import FILES, dataset_folder, read_rows
from example_project.flights.loader import load, plan
from example_project.flights.people import ensure_people
from gridkit_django.exceptions import UnknownColumnError
from gridkit_django.grids import GridAccess, grid_registry, open_grid
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import RowsPage

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
LABELS = {"airline", "origin_name", "dest_name", "plane_model"}
GATED = {"tailnum", "plane_model"}


@pytest.fixture
def open_as(slice_folder: Path) -> Callable[..., GridAccess]:
    """Opens a grid over the slice as one of the demo's users."""
    for table in plan(slice_folder):
        load(table)
    ensure_people("of no interest")
    return lambda name, grid="flights": open_grid(grid, User.objects.get(username=name))


def ask(access: GridAccess, **query: object) -> RowsPage:
    return fetch_rows(access, GridQuery.from_dict(query))


def header(file: str) -> set[str]:
    """Return the column names of a file of the data set."""
    return set(next(read_rows(dataset_folder() / file)))


def test_flights_has_the_columns_of_the_data_set_and_the_labels(open_as: Callable[..., GridAccess]):
    ids = {column.id for column in open_as("editor").columns}

    assert ids == header(FILES[4]) | LABELS | {"note"}


@pytest.mark.parametrize(("grid", "file"), [(name.removesuffix(".csv"), name) for name in FILES[:4]])
def test_grid_of_another_table_has_the_columns_of_the_data_set(
    open_as: Callable[..., GridAccess], grid: str, file: str
):
    assert {column.id for column in open_as("editor", grid).columns} == header(file)


def test_analyst_sees_neither_tail_number_nor_what_derives_from_it(open_as: Callable[..., GridAccess]):
    analyst = open_as("analyst")

    ids = {column.id for column in analyst.columns}

    assert ids == (header(FILES[4]) | LABELS | {"note"}) - GATED
    for column in GATED:
        with pytest.raises(UnknownColumnError):
            ask(analyst, sort=[{"col": column, "dir": "asc"}])


def test_analyst_finds_no_plane_by_its_tail_number(open_as: Callable[..., GridAccess]):
    assert ask(open_as("analyst"), search="N14228").rows == ()
    assert "tailnum" not in {column.id for column in open_as("analyst", "planes").columns}
    assert ask(open_as("editor"), search="N14228").rows[0].data["tailnum"] == "N14228"


def test_delays_and_note_are_what_the_editor_may_change(open_as: Callable[..., GridAccess]):
    editor, analyst = open_as("editor"), open_as("analyst")

    assert editor.can_edit
    assert {column.id for column in editor.editable_columns} == {"dep_delay", "arr_delay", "note"}
    assert not analyst.can_edit


def test_labels_come_with_the_rows_in_one_query(
    open_as: Callable[..., GridAccess], django_assert_num_queries: DjangoAssertNumQueries
):
    editor = open_as("editor")

    with django_assert_num_queries(1):
        page = ask(editor, count="none", filter={"col": "flight", "op": "eq", "value": 1545})

    row = page.rows[0].data
    assert {name: row[name] for name in sorted(LABELS)} == {
        "airline": "United Air Lines Inc.",
        "dest_name": "George Bush Intercontinental",
        "origin_name": "Newark Liberty Intl",
        "plane_model": "737-824",
    }


def test_flights_without_a_label_stay_in_the_result(open_as: Callable[..., GridAccess]):
    page = ask(open_as("editor"), filter={"col": "dest", "op": "eq", "value": "BQN"})

    assert {(row.data["dest"], row.data["dest_name"]) for row in page.rows} == {("BQN", None)}


def test_newest_flights_stand_first_by_default(open_as: Callable[..., GridAccess]):
    hours = [row.data["time_hour"] for row in ask(open_as("analyst")).rows]

    assert hours == sorted(hours, reverse=True)
    assert hours[-1].endswith("-05:00")


def test_search_finds_airlines_and_destinations_by_name(open_as: Callable[..., GridAccess]):
    analyst = open_as("analyst")

    assert {row.data["carrier"] for row in ask(analyst, search="jetblue").rows} == {"B6"}
    assert {row.data["dest"] for row in ask(analyst, search="bush intercontinental").rows} == {"IAH"}


@pytest.mark.parametrize("name", ["analyst", "editor"])
def test_every_grid_can_be_opened_and_exported(open_as: Callable[..., GridAccess], name: str):
    grids = [grid.options.id for grid in grid_registry().all() if grid.__module__.startswith("example_project")]

    accesses = [open_as(name, grid_id) for grid_id in grids]

    assert len(grids) == 5
    assert all(access.can_export for access in accesses)
    assert all(ask(access).rows for access in accesses)
