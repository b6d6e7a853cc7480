"""What a window of rows costs on the 336,776 flights: against a plain queryset, and deep down by offset and cursor."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from django.contrib.auth import get_user_model
from django.db.models import F

from example_project.flights.dataset import dataset_folder
from example_project.flights.loader import load, plan
from example_project.flights.models import Flight
from gridkit_django.grids import open_grid
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.answers import fetch_rows
from gridkit_django.grids.query import CountMode, GridQuery
from gridkit_django.grids.rows import count_rows
from tests.benchmarks.database import analyze, server_version
from tests.benchmarks.harness import Variant, compare, table

SORT = [{"col": "dep_delay", "dir": "desc"}]
COLUMNS = ["time_hour", "carrier", "flight", "origin", "dest", "dep_delay", "arr_delay"]
PATHS = ("id", "time_hour", "carrier_id", "flight", "origin_id", "dest", "dep_delay", "arr_delay")
SIZE = 100
DEEP = 300_000


def run() -> Iterator[str]:
    """Load the flights and compare first windows, deep windows and counts."""
    for part in plan(dataset_folder()):
        load(part)
    analyze()
    user = get_user_model().objects.create_superuser("bench", "bench@example.org", "bench")
    access = open_grid("flights", user)
    conditions = {"rows": f"{Flight.objects.count():,}", "database": server_version(), "window": SIZE}
    yield table("First window, by departure delay", compare(_first(access)), conditions=conditions)
    yield table(f"Window at row {DEEP:,}", compare(_deep(access)), conditions=conditions)
    yield table("Counting the rows of one carrier", compare(_counting(access)), conditions=conditions)


def _query(**parts: object) -> GridQuery:
    return GridQuery.from_dict({"sort": SORT, "columns": COLUMNS, "count": "none", **parts})


def _first(access: GridAccess) -> dict[str, Variant]:
    ordered = Flight.objects.order_by(F("dep_delay").desc(nulls_last=True), "pk")
    query = _query(window={"kind": "cursor", "size": SIZE})
    return {
        "plain queryset, values_list()": lambda: list(ordered.values_list(*PATHS)[:SIZE]),
        "fetch_rows, with versions and cursors": lambda: fetch_rows(access, query),
    }


def _deep(access: GridAccess) -> dict[str, Variant]:
    offset = _query(window={"kind": "offset", "start": DEEP, "end": DEEP + SIZE})
    before = fetch_rows(access, _query(window={"kind": "offset", "start": DEEP - SIZE, "end": DEEP}))
    cursor = _query(window={"kind": "cursor", "after": before.window.next, "size": SIZE})
    assert fetch_rows(access, cursor).rows == fetch_rows(access, offset).rows
    return {
        "offset window": lambda: fetch_rows(access, offset),
        "cursor window": lambda: fetch_rows(access, cursor),
    }


def _counting(access: GridAccess) -> dict[str, Variant]:
    query = _query(filter={"col": "carrier", "op": "eq", "value": "UA"})
    modes = (CountMode.EXACT, CountMode.CAPPED, CountMode.ESTIMATED)
    return {mode.value: partial(count_rows, access, query, mode) for mode in modes}
