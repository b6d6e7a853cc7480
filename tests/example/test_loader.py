from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model

from example_project.flights.loader import MODELS, load, plan
from example_project.flights.models import Airline, Airport, Flight, Plane, Weather
from tests.example.conftest import FLIGHTS, source_rows

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
FLIGHT_COLUMNS = [
    field.attname for field in Flight._meta.fields if field.name not in {"id", "note", "plane", "dest_airport"}
]


class Interrupted(BaseException):
    """What Ctrl-C is to the loader."""


def parts_of(model: type[Model]) -> dict[str, Any]:
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, model._meta.db_table)


def load_all(folder: Path) -> list[int]:
    return [load(table) for table in plan(folder)]


def test_load_of_a_slice_fills_every_table(slice_folder: Path):
    assert load_all(slice_folder) == [16, 1458, 3322, 100, FLIGHTS]
    assert [model._base_manager.count() for model in MODELS] == [16, 1458, 3322, 100, FLIGHTS]


def test_load_keeps_the_values_of_the_first_flight(slice_folder: Path):
    load_all(slice_folder)

    values = Flight.objects.values_list(*FLIGHT_COLUMNS).get(pk=1)

    flown = (2013, 1, 1, 517, 515, 2, 830, 819, 11, "UA", 1545, "N14228", "EWR", "IAH", 227, 1400, 5, 15)
    assert values == (*flown, datetime(2013, 1, 1, 10, tzinfo=UTC))
    assert Flight.objects.get(pk=1).note == ""


def test_load_keeps_decimal_fractions_to_the_last_bit(slice_folder: Path):
    load_all(slice_folder)

    assert Weather.objects.get(pk=1).wind_speed == 10.357019999999999
    assert list(Airport.objects.order_by("faa").values_list("lat", flat=True)) == [
        float(row["lat"]) for row in sorted(source_rows("airports.csv"), key=lambda row: row["faa"])
    ]


def test_load_stores_na_as_null(slice_folder: Path):
    load_all(slice_folder)

    assert Plane.objects.filter(year__isnull=True).count() == 70
    assert Airport.objects.filter(tzone__isnull=True).count() == 3
    assert Weather.objects.filter(wind_gust__isnull=True).exists()


def test_flight_to_an_airport_that_the_data_set_lacks_keeps_its_code_and_has_a_null_label(slice_folder: Path):
    load_all(slice_folder)

    found = Flight.objects.filter(dest="BQN").values_list("dest", "dest_airport__name").first()

    assert found == ("BQN", None)
    assert len(Flight.objects.values_list("dest_airport__name", "plane__model")) == FLIGHTS


def test_load_links_every_code_that_the_data_set_describes(slice_folder: Path):
    load_all(slice_folder)

    first = Flight.objects.select_related("carrier", "origin", "dest_airport", "plane").get(pk=1)

    assert (first.carrier.name, first.origin.name) == ("United Air Lines Inc.", "Newark Liberty Intl")
    assert first.dest_airport is not None
    assert first.dest_airport.name == "George Bush Intercontinental"
    assert first.plane is not None
    assert (first.plane.tailnum, first.plane.model) == (first.tailnum, "737-824")
    assert not Flight.objects.filter(plane=None, tailnum__in=Plane.objects.values("tailnum")).exists()
    assert not Flight.objects.filter(dest_airport=None, dest__in=Airport.objects.values("faa")).exists()


def test_second_load_adds_nothing(slice_folder: Path):
    load_all(slice_folder)

    assert load_all(slice_folder) == [0, 0, 0, 0, 0]


def test_load_after_rows_went_missing_adds_just_these_and_keeps_edits(slice_folder: Path):
    load_all(slice_folder)
    Flight.objects.filter(pk__in=[5, 7]).delete()
    Airline.objects.filter(pk="OO").delete()
    Flight.objects.filter(pk=6).update(note="checked", dep_delay=99)

    assert load_all(slice_folder) == [1, 0, 0, 0, 2]
    assert Flight.objects.values_list("note", "dep_delay").get(pk=6) == ("checked", 99)
    assert Flight.objects.get(pk=7).flight == 507


def test_interrupted_load_leaves_the_table_empty_and_the_next_one_repairs_it(slice_folder: Path):
    *others, flights = plan(slice_folder)
    for table in others:
        load(table)

    def interrupt(_rows: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        load(flights, progress=interrupt)

    assert Flight.objects.count() == 0
    assert load_all(slice_folder) == [0, 0, 0, 0, FLIGHTS]


def test_table_has_the_indexes_and_keys_of_before_after_its_first_load(slice_folder: Path):
    before = parts_of(Flight)

    load_all(slice_folder)

    assert parts_of(Flight) == before


def test_progress_adds_up_to_the_rows_of_the_file(slice_folder: Path):
    seen: list[int] = []

    for table in plan(slice_folder):
        load(table, progress=seen.append)

    assert sum(seen) == 16 + 1458 + 3322 + 100 + FLIGHTS


def test_row_made_after_the_load_gets_the_next_id(slice_folder: Path):
    load_all(slice_folder)
    values: dict[str, Any] = Flight.objects.values(*FLIGHT_COLUMNS).get(pk=1)

    assert Flight.objects.create(**values).pk == FLIGHTS + 1
