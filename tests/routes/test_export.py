"""Route: export, from the method call to the file, with a real worker process."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator
from typing import Any

import psutil
import psycopg
import pytest
from celery import Celery

from tests.routes.world import FLIGHTS, PASSWORD, awaited, furnish, method_names, plugin_row, swift
from tests.servers.http import Client
from tests.servers.processes import wait_until
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses. The tests of the demo do the like on SQLite."""

API = "/gridkit/api/grids/flights/"


@pytest.fixture
def world(stack: Stack) -> Stack:
    furnish(stack)
    stack.worker()
    return stack


def _finished(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    """Wait until the job has ended, and return it."""

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"{API}jobs/{job['id']}/").json()
        return found if found["state"] in {"finished", "failed", "cancelled"} else None

    return awaited(ended, "the export to end")


def _export(client: Client, arguments: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"{API}methods/export/", {"arguments": arguments, "query": query})
    assert answer.status == 202, answer.text
    return _finished(client, answer.json()["job"])


def test_export_of_filtered_rows_holds_just_these_rows_without_the_hidden_column(world: Stack) -> None:
    analyst = swift(world, "analyst")
    chosen = {"and": [{"col": "carrier", "op": "eq", "value": "AA"}, {"col": "month", "op": "eq", "value": 2}]}

    job = _export(analyst, {"format": "csv"}, {"filter": chosen})
    result = analyst.get(f"{API}jobs/{job['id']}/result/")

    rows = list(csv.reader(io.StringIO(result.text.removeprefix("\ufeff"))))
    expected = world.rows("SELECT COUNT(*) FROM flights_flight WHERE carrier = 'AA' AND month = 2")[0][0]
    assert (job["state"], job["progress"], job["rows"]) == ("finished", 1, expected), job
    assert len(rows) == expected + 1
    assert "tailnum" not in rows[0]
    assert "N00" not in result.text


@pytest.mark.parametrize("kind", ["xlsx", "pdf"])
def test_export_of_every_format_finishes_with_all_rows(world: Stack, kind: str) -> None:
    analyst = swift(world, "analyst")

    job = _export(analyst, {"format": kind}, {"columns": ["flight", "dep_delay"]})
    result = analyst.get(f"{API}jobs/{job['id']}/result/")

    start = {"xlsx": b"PK", "pdf": b"%PDF"}[kind]
    assert (job["state"], job["rows"]) == ("finished", FLIGHTS), job
    assert result.body.startswith(start)
    assert "attachment" in result.headers["Content-Disposition"]


def test_export_of_another_user_is_not_found(world: Stack) -> None:
    job = _export(swift(world, "analyst"), {"format": "csv"}, {"columns": ["flight"]})

    stranger = swift(world, "editor")

    assert stranger.get(f"{API}jobs/{job['id']}/").status == 404
    assert stranger.get(f"{API}jobs/{job['id']}/result/").status == 404


def test_export_naming_the_hidden_column_answers_as_for_a_column_that_is_not_there(world: Stack) -> None:
    analyst = swift(world, "analyst")
    texts = []
    for column in ("tailnum", "nosuch1"):
        answer = analyst.post(f"{API}methods/export/", {"arguments": {"format": "csv"}, "query": {"columns": [column]}})
        assert answer.status == 422
        texts.append(answer.text.replace(column, "X").replace(answer.json()["requestId"], "R"))

    assert texts[0] == texts[1]


def test_export_plugin_switched_off_in_the_admin_takes_the_method_from_every_process(world: Stack) -> None:
    world.web(2)
    clients = [swift(world, "analyst", index=index) for index in range(2)]
    admin = Client(world.url(0))
    admin.log_in("/admin/login/", "admin", PASSWORD)
    page = f"/admin/gridkit_django/installedplugin/{plugin_row(world, '@gridkit/plugin-export')}/"
    assert all(method_names(client.get(f"{API}schema/")) == ["export"] for client in clients)

    assert admin.submit(f"{page}change/", {}, to=f"{page}deactivate/").status == 200

    for client in clients:
        _await_methods(client, [])
        assert client.post(f"{API}methods/export/", {"arguments": {"format": "csv"}}).status == 404

    assert admin.submit(f"{page}change/", {}, to=f"{page}activate/").status == 200

    for client in clients:
        _await_methods(client, ["export"])
    assert _export(clients[1], {"format": "csv"}, {"columns": ["flight"]})["state"] == "finished"


def _await_methods(client: Client, names: list[str]) -> None:
    """Wait for it: a process in which another thread follows a change at the moment serves as before it at first."""
    wait_until(lambda: method_names(client.get(f"{API}schema/")) == names, f"{names} to be offered")


@contextlib.contextmanager
def _held(world: Stack, client: Client) -> Iterator[dict[str, Any]]:
    """Start an export whose worker waits for a lock on the flights until the block ends."""
    with psycopg.connect(world.env["DATABASE_URL"]) as link:
        link.execute("LOCK TABLE flights_flight IN ACCESS EXCLUSIVE MODE")
        answer = client.post(
            f"{API}methods/export/", {"arguments": {"format": "csv"}, "query": {"columns": ["flight"]}}
        )
        assert answer.status == 202, answer.text
        job: dict[str, Any] = answer.json()["job"]
        running = f"SELECT 1 FROM gridkit_django_exportjob WHERE id = '{job['id']}' AND state = 'running'"
        wait_until(lambda: bool(world.rows(running)), "a worker to take the export")
        yield job


def test_export_that_is_cancelled_while_its_statement_runs_ends_though_the_statement_could_not(world: Stack) -> None:
    analyst = swift(world, "analyst")
    with _held(world, analyst) as job:
        assert analyst.delete(f"{API}jobs/{job['id']}/").status == 202
        assert _finished(analyst, job)["state"] == "cancelled"


def test_export_whose_worker_process_was_killed_is_made_by_the_next_one(world: Stack) -> None:
    analyst = swift(world, "analyst")
    with _held(world, analyst) as job:
        for child in psutil.Process(world.worker().pid).children():
            child.kill()
    mine = f"gridkit_django_exportjob WHERE id = '{job['id']}'".split(" ", 1)
    past = "UPDATE {} SET lease_until = '2020-01-01T00:00Z' {} AND attempts = 1 AND lease_until > '2021-01-01T00:00Z'"

    def taken_up() -> bool:
        # What the killed process had sent may arrive after its end, and renew the lease once more.
        if world.rows(past.format(*mine) + " RETURNING 1"):
            with Celery("probe", broker=world.env["REDIS_URL"], set_as_current=False) as probe:
                probe.send_task("gridkit.resume_exports", ignore_result=True)
        return bool(world.rows("SELECT 1 FROM {} {} AND attempts = 2".format(*mine)))

    wait_until(taken_up, "another worker to take the export up")
    ended = _finished(analyst, job)
    assert (ended["state"], ended["rows"], ended["attempts"]) == ("finished", FLIGHTS, 2), ended
