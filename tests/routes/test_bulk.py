"""Route: a change of many rows, from the request through a real worker process to the audit records."""

from __future__ import annotations

from typing import Any

import pytest

from tests.routes.world import FLIGHTS, awaited, furnish, swift
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses."""

API = "/gridkit/api/grids/flights/"
COPIES = 4
ROWS = FLIGHTS * (COPIES + 1)
"""More than ``BULK_ROWS_INLINE``, so that a worker carries it out."""

_COPY = f"""
from example_project.flights.models import Flight
flights = list(Flight.objects.all())
for copy in range(1, {COPIES} + 1):
    for flight in flights:
        flight.pk += {FLIGHTS}
        flight.flight += {FLIGHTS}
    Flight.objects.bulk_create(flights)
"""


@pytest.fixture
def world(stack: Stack) -> Stack:
    furnish(stack)
    if stack.rows("SELECT COUNT(*) FROM flights_flight")[0][0] < ROWS:
        stack.python(_COPY)
    stack.worker()
    return stack


def test_change_of_many_rows_is_carried_out_by_a_worker_and_recorded_row_by_row(world: Stack) -> None:
    editor = swift(world, "editor")
    body = {"action": "update", "selection": {"query": {}}, "expectedCount": ROWS, "changes": {"note": "checked"}}

    drift = editor.post(f"{API}bulk/", {**body, "expectedCount": ROWS + 1})
    ((newest,),) = world.rows("SELECT COALESCE(MAX(id), 0) FROM gridkit_django_auditrecord")
    answer = editor.post(f"{API}bulk/", body)

    assert (drift.status, drift.json()["count"]) == (409, ROWS)
    assert answer.status == 202, answer.text

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = editor.get(answer.headers["Location"]).json()
        return found if found["state"] in {"finished", "failed"} else None

    job = awaited(ended, "the bulk change to end")
    assert (job["state"], job["progress"], job["result"]) == (
        "finished",
        1,
        {"rows": ROWS, "changed": ROWS, "undo": None},
    )
    assert world.rows("SELECT COUNT(*) FROM flights_flight WHERE note = 'checked'") == [(ROWS,)]
    records = "SELECT COUNT(DISTINCT target_id), COUNT(*) FROM gridkit_django_auditrecord WHERE action = 'row.update'"
    assert world.rows(f"{records} AND actor_label = 'editor' AND id > {newest}") == [(ROWS, ROWS)]


def test_change_of_few_rows_is_done_at_once_and_undone(world: Stack) -> None:
    editor = swift(world, "editor")
    selection = {"query": {"filter": {"col": "flight", "op": "lte", "value": 104}}}
    body = {"action": "update", "selection": selection, "expectedCount": 5, "changes": {"dep_delay": 444}}

    answer = editor.post(f"{API}bulk/", body)
    undone = editor.post(f"{API}undo/", {"token": answer.json()["undo"]})

    assert (answer.status, answer.json()["changed"]) == (200, 5)
    assert (undone.status, len(undone.json()["rows"]), undone.json()["failed"]) == (200, 5, [])
    assert world.rows("SELECT COUNT(*) FROM flights_flight WHERE dep_delay = 444") == [(0,)]
