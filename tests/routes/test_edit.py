"""Route: inline edit to audit record."""

from __future__ import annotations

import json

import pytest

from tests.routes.world import furnish, swift
from tests.servers.stack import Stack

STACKS = ("postgres",)
"""The databases that these tests run on: what production uses. The tests of the demo do the like on SQLite."""

RECORD = "/gridkit/api/grids/flights/records/{}/"
AUDIT = "SELECT changes, actor_label, occurred_at FROM gridkit_django_auditrecord WHERE action = 'row.update'"


@pytest.fixture
def world(stack: Stack) -> Stack:
    return furnish(stack)


def _changes(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


def test_edit_by_editor_changes_the_row_and_writes_one_record(world: Stack) -> None:
    editor = swift(world, "editor")
    before = editor.get(RECORD.format(7)).json()["row"]

    answer = editor.patch(RECORD.format(7), {"changes": {"dep_delay": 77}}, version=before["v"])

    assert answer.status == 200, answer.text
    assert answer.json()["row"]["d"]["dep_delay"] == 77
    assert answer.headers["ETag"] == f'"{answer.json()["row"]["v"]}"'
    assert world.rows("SELECT dep_delay FROM flights_flight WHERE id = 7") == [(77,)]
    ((changes, actor, time),) = world.rows(f"{AUDIT} AND target_id = '7'")
    assert _changes(changes) == {"dep_delay": [before["d"]["dep_delay"], 77]}
    assert actor == "editor"
    assert time


def test_edit_with_stale_version_gets_412_with_the_current_row(world: Stack) -> None:
    editor = swift(world, "editor")
    stale = editor.get(RECORD.format(8)).json()["row"]["v"]
    editor.patch(RECORD.format(8), {"changes": {"note": "first"}}, version=stale)

    answer = editor.patch(RECORD.format(8), {"changes": {"note": "second"}}, version=stale)

    assert answer.status == 412
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json()["code"] == "version-conflict"
    assert answer.json()["current"]["d"]["note"] == "first"
    assert world.rows("SELECT note FROM flights_flight WHERE id = 8") == [("first",)]


def test_edit_without_version_gets_428(world: Stack) -> None:
    answer = swift(world, "editor").patch(RECORD.format(9), {"changes": {"note": "x"}})

    assert (answer.status, answer.json()["code"]) == (428, "version-required")


def test_edit_by_analyst_is_refused_and_leaves_no_record(world: Stack) -> None:
    analyst = swift(world, "analyst")
    version = analyst.get(RECORD.format(10)).json()["row"]["v"]

    answer = analyst.patch(RECORD.format(10), {"changes": {"note": "mine"}}, version=version)

    assert answer.status == 403
    assert world.rows(f"{AUDIT} AND target_id = '10'") == []


def test_edit_rolled_back_takes_its_record_along(world: Stack) -> None:
    world.python(
        """
from django.contrib.auth.models import User
from django.db import transaction
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.grids import apply_edit, get_record, open_grid

user = User.objects.get(username="editor")
access = open_grid("flights", user)
version = get_record(access, 11).version
try:
    with acting(Actor.from_user(user), EventSource.API), transaction.atomic():
        apply_edit(access, 11, {"note": "gone"}, version)
        from gridkit_django.models import AuditRecord
        assert AuditRecord.objects.filter(action="row.update", target_id="11").count() == 1
        raise RuntimeError("roll back")
except RuntimeError:
    pass
"""
    )

    assert world.rows("SELECT note FROM flights_flight WHERE id = 11") == [("",)]
    assert world.rows(f"{AUDIT} AND target_id = '11'") == []
