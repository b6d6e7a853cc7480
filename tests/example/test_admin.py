from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from example_project.flights.loader import load, plan
from example_project.flights.models import Flight

pytestmark = pytest.mark.django_db


@pytest.fixture
def flights(slice_folder: Path) -> None:
    """The slice of the data set is in the database."""
    for table in plan(slice_folder):
        load(table)


@pytest.mark.usefixtures("flights")
@pytest.mark.parametrize("name", ["airline", "airport", "plane", "weather", "flight"])
def test_every_table_is_listed_and_none_can_be_added_to(admin_client: Client, name: str):
    listed = admin_client.get(f"/admin/flights/{name}/")

    assert listed.status_code == 200
    assert listed.context["cl"].result_list
    assert admin_client.get(f"/admin/flights/{name}/add/").status_code == 403


@pytest.mark.usefixtures("flights")
def test_flight_can_be_changed_where_the_grid_lets_it_be_changed(admin_client: Client):
    page = admin_client.get("/admin/flights/flight/1/change/")
    answer = admin_client.post(
        "/admin/flights/flight/1/change/", {"dep_delay": "3", "arr_delay": "", "note": "seen", "carrier": "AA"}
    )

    assert set(page.context["adminform"].form.fields) == {"dep_delay", "arr_delay", "note", "audit_reason"}
    assert answer.status_code == 302
    values = Flight.objects.values_list("dep_delay", "arr_delay", "note", "carrier_id").get(pk=1)
    assert values == (3, None, "seen", "UA")


@pytest.mark.usefixtures("flights")
def test_flight_can_not_be_deleted(admin_client: Client):
    assert admin_client.get("/admin/flights/flight/1/delete/").status_code == 403


@pytest.mark.usefixtures("flights")
def test_flights_are_searched_by_number(admin_client: Client):
    found = admin_client.get("/admin/flights/flight/", {"q": "1545"}).context["cl"].result_list

    assert {flight.flight for flight in found} == {1545}
