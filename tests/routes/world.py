"""The small world that the routes act in: some airlines, airports and flights, and the demo's users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tests.servers.http import Client
from tests.servers.processes import wait_until
from tests.servers.stack import Stack

T = TypeVar("T")

PASSWORD = "route-password"
FLIGHTS = 240

_FURNISH = f"""
from datetime import datetime, timedelta, timezone
from example_project.flights.models import Airline, Airport, Flight
from example_project.flights.official import ensure_official_plugins
from example_project.flights.people import ensure_people
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

Airline.objects.bulk_create([Airline(carrier=c, name=n) for c, n in [("AA", "American"), ("UA", "United")]])
Airport.objects.bulk_create(
    [Airport(faa=f, name=f"{{f}} airport", lat=40, lon=-73, alt=10, tz=-5, dst="A", tzone="America/New_York")
     for f in ("EWR", "JFK", "LAX")]
)
start = datetime(2013, 1, 1, 10, tzinfo=timezone.utc)
Flight.objects.bulk_create(
    [
        Flight(
            id=i + 1, year=2013, month=1 + i % 3, day=1, sched_dep_time=500, sched_arr_time=800,
            dep_delay=None if i % 10 == 0 else i % 50 - 5, arr_delay=i % 40, carrier_id="AA" if i % 2 else "UA",
            flight=100 + i, tailnum=f"N{{i:05}}", origin_id="EWR", dest="LAX", dest_airport_id="LAX",
            distance=2400, hour=5, minute=0, time_hour=start + timedelta(hours=i),
        )
        for i in range({FLIGHTS})
    ]
)
PBKDF2PasswordHasher.iterations = 1  # as many as a site takes cost two seconds; hardly a route logs in by password
ensure_people({PASSWORD!r})
Token.objects.bulk_create([Token(user=user, key=f"token-of-{{user.username}}") for user in User.objects.all()])
"""

_OFFICIAL = "from example_project.flights.official import ensure_official_plugins; ensure_official_plugins()"


def furnish(stack: Stack, *, plugins: bool = True) -> Stack:
    """Fill an empty stack, once.

    Args:
        stack: the stack of the module.
        plugins: whether the official plugins are installed and active.
    """
    if not stack.rows("SELECT 1 FROM flights_flight LIMIT 1"):
        stack.fill(_FURNISH, *([_OFFICIAL] if plugins else []))
    return stack


def swift(stack: Stack, user: str, *, index: int = 0) -> Client:
    """Return a client of one of the web processes that names its user by a token."""
    return Client(stack.url(index), token=f"token-of-{user}")


def plugin_row(stack: Stack, plugin_id: str) -> int:
    """Return the primary key of a plugin."""
    found = stack.rows(f"SELECT id FROM gridkit_django_installedplugin WHERE plugin_id = '{plugin_id}'")
    return int(found[0][0])


def method_names(answer: Any) -> list[str]:
    """Return the names of the methods in a schema's answer."""
    return [method["name"] for method in answer.json()["methods"]]


def awaited(ask: Callable[[], T], what: str) -> T:
    """Ask until the answer is true, and return it."""
    answers: list[T] = []

    def asked() -> bool:
        answers[:] = [ask()]
        return bool(answers[0])

    wait_until(asked, what)
    return answers[0]
