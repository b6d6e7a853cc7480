"""The flights that the grids of other products show in the tests, and what the ORM says of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet

from example_project.flights.models import Airline, Airport, Flight

FLIGHTS = 260
CARRIERS = ("AA", "UA", "WN")


def make_flights() -> None:
    """Store the flights: three carriers, two airports, ties of delays and some without a delay."""
    Airline.objects.bulk_create([Airline(carrier=code, name=f"{code} airline") for code in CARRIERS])
    place = {"lat": 40, "lon": -73, "alt": 10, "tz": -5, "dst": "A", "tzone": "America/New_York"}
    Airport.objects.bulk_create([Airport(faa=code, name=f"{code} airport", **place) for code in ("EWR", "JFK")])
    plan = {"year": 2013, "month": 1, "day": 1, "sched_dep_time": 500, "sched_arr_time": 800, "hour": 5, "minute": 0}
    start = datetime(2013, 1, 1, 10, tzinfo=UTC)
    Flight.objects.bulk_create(
        Flight(
            **plan,
            id=number + 1,
            flight=100 + number,
            carrier_id=CARRIERS[number % 3],
            origin_id=("EWR", "JFK")[number % 2],
            dest="LAX",
            distance=2400,
            dep_delay=None if number % 10 == 0 else number * 7 % 50 - 5,
            time_hour=start + timedelta(hours=number),
        )
        for number in range(FLIGHTS)
    )


def texts(rows: QuerySet[Flight], *columns: str) -> list[list[str]]:
    """Return what a grid shows of some rows: an empty cell where there is no value."""
    paths = {"carrier": "carrier_id", "origin": "origin_id"}
    found: Sequence[Any] = rows.values_list(*(paths.get(column, column) for column in columns))
    return [["" if value is None else str(value) for value in row] for row in found]


def carriers() -> list[list[str]]:
    """Return the carriers with the number of their flights and the largest delay."""
    return [
        [carrier, str(Flight.objects.filter(carrier=carrier).count()), str(largest)]
        for carrier, largest in Flight.objects.values_list("carrier").annotate(Max("dep_delay")).order_by("carrier")
    ]
