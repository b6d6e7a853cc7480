"""Reading the audit trail."""

from __future__ import annotations

import pytest

from gridkit_django.audit import AuditTrail, Target, record
from gridkit_django.events import Actor, EventSource, acting

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_history_holds_only_the_targets_records_newest_first() -> None:
    first = record("plugin.install", target=Target.plugin("p"))
    record("plugin.install", target=Target.plugin("q"))
    record("row.update", target=Target("row", "p"))
    last = record("plugin.activate", target=Target.plugin("p"))
    assert list(AuditTrail().history_of(Target("plugin", "p", "another label"))) == [last, first]


def test_acts_of_an_actor_are_told_apart_by_kind_and_id() -> None:
    mine = record("row.update", target=Target("t", "1"), actor=Actor.plugin("x"))
    record("row.update", target=Target("t", "1"), actor=Actor.system("x"))
    assert list(AuditTrail().acts_of(Actor.plugin("x"))) == [mine]


def test_records_of_one_request_are_found_by_its_correlation_id() -> None:
    with acting(Actor.system("a"), EventSource.API, correlation_id="one"):
        first = record("row.update", target=Target("t", "1"))
        second = record("export.request", target=Target("export", "1"))
    record("row.update", target=Target("t", "1"))
    assert list(AuditTrail().caused_by("one")) == [second, first]


def test_all_is_every_record_newest_first() -> None:
    first, second = (record("row.update", target=Target("t", str(number))) for number in (1, 2))
    assert list(AuditTrail().all()) == [second, first]
