"""The one writer: who, what, circumstances, and one transaction with the act."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from gridkit_django.audit import Target, record
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditError
from gridkit_django.models import AuditRecord
from tests.shop.models import Customer, Product

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

ROW = Target.of_row(Product, 7, "Hammer")


def stored(written: AuditRecord) -> AuditRecord:
    return AuditRecord.objects.get(pk=written.pk)


def test_record_holds_actor_door_and_circumstances_of_the_act_under_way() -> None:
    user = User.objects.create_user("ada")
    start = timezone.now()
    with acting(Actor.from_user(user), EventSource.API, correlation_id="c-1", metadata={"ip": "192.0.2.1"}):
        found = stored(record("row.update", target=ROW, changes={"price": [Decimal("1.10"), None]}, grid="products"))
    assert (found.action, found.grid) == ("row.update", "products")
    assert (found.actor_kind, found.actor_id, found.actor_label) == ("user", str(user.pk), "ada")
    assert (found.target_type, found.target_id, found.target_label) == ("shop.product", "7", "Hammer")
    assert found.changes == {"price": ["1.10", None]}
    assert found.context == {"source": "api", "correlationId": "c-1", "ip": "192.0.2.1"}
    assert start <= found.occurred_at <= timezone.now()


def test_record_outside_any_act_is_the_systems() -> None:
    found = stored(record("plugin.activate", target=Target.plugin("p")))
    assert (found.actor_kind, found.actor_id) == ("system", "code")
    assert found.context["source"] == "orm"
    assert (found.changes, found.grid) == ({}, "")


def test_given_actor_takes_the_place_of_the_acting_one() -> None:
    with acting(Actor.system("runtime"), EventSource.SYSTEM):
        found = stored(record("plugin.suspend", target=Target.plugin("p"), actor=Actor.plugin("q")))
    assert (found.actor_kind, found.actor_id) == ("plugin", "q")


def test_evidence_is_kept_in_json_form() -> None:
    moment = dt.datetime(2013, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)
    found = stored(record("plugin.suspend", target=Target.plugin("p"), evidence={"failures": 20, "last": moment}))
    assert found.context["evidence"] == {"failures": 20, "last": "2013-01-01T00:00:00.000001+00:00"}


def test_metadata_can_not_pass_itself_off_as_the_servers_own_facts() -> None:
    forged = {"source": "admin", "correlationId": "x", "evidence": "none", "requestId": "r"}
    with acting(Actor.system("t"), EventSource.API, correlation_id="c", metadata=forged):
        found = stored(record("row.update", target=ROW))
    assert found.context == {"source": "api", "correlationId": "c", "requestId": "r"}


def test_record_is_gone_when_the_act_is_rolled_back() -> None:
    class UndoError(Exception):
        pass

    def act() -> None:
        with transaction.atomic():
            Customer.objects.create(name="Ada", email="ada@example.org")
            record("row.create", target=ROW)
            raise UndoError

    with pytest.raises(UndoError):
        act()
    assert not AuditRecord.objects.exists()
    assert not Customer.objects.exists()


def test_long_labels_are_clipped_so_that_they_do_not_undo_the_act() -> None:
    actor = Actor.plugin("p")
    actor = type(actor)(actor.kind, actor.id, "a" * 500)
    found = stored(record("row.update", target=Target("t", "1", "b" * 500), actor=actor))
    assert found.actor_label == "a" * 199 + "…"
    assert found.target_label == "b" * 299 + "…"


@pytest.mark.parametrize(
    ("action", "target", "grid", "field"),
    [
        ("a" * 81, ROW, "", "action"),
        ("row.update", Target("t" * 101, "1"), "", "target_type"),
        ("row.update", Target("t", "1" * 201), "", "target_id"),
        ("row.update", ROW, "g" * 101, "grid"),
    ],
)
def test_too_long_id_is_refused_not_cut(action: str, target: Target, grid: str, field: str) -> None:
    with pytest.raises(AuditError, match=f"The {field} of an audit record has"):
        record(action, target=target, grid=grid)
    assert not AuditRecord.objects.exists()


@pytest.mark.parametrize("change", [[1], [1, 2, 3], "ab", b"ab"])
def test_change_that_is_no_pair_is_refused(change: Any) -> None:
    with pytest.raises(AuditError, match="The change of 'price' is not a pair"):
        record("row.update", target=ROW, changes={"price": change})


def test_characters_that_the_database_refuses_are_replaced() -> None:
    found = stored(record("row.update", target=Target("t", "1", "a\x00b"), changes={"n\x00": ["\x00", "\ud800"]}))
    assert found.target_label == "a\ufffdb"
    assert found.changes == {"n\ufffd": ["\ufffd", "\ufffd"]}
