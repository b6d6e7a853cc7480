"""What is said in front of a write to a table with triggers, and what they make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.db import connection

from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.scope import AuditScope
from gridkit_django.audit.triggers import Triggers
from gridkit_django.audit.triggers.announcing import ActAnnouncer, act_text
from gridkit_django.audit.writer import Circumstances, bare_id
from gridkit_django.events import Act, Actor, ActorKind, EventSource, acting
from gridkit_django.models import AuditRecord
from tests.museum.models import Artist

OWNER = "announcing"
ADA = Actor(ActorKind.USER, "7", "Ada \\ 'é'")


@pytest.fixture
def without_metadata() -> Iterator[None]:
    """Follow a model strictly whose records don't tell the facts of a request."""
    audit_policies().set(OWNER, [AuditPolicy(model_label="museum.artist", strict=True, include_metadata=False)])
    Triggers(connection, audit_policies().table).install()
    yield
    audit_policies().drop(OWNER)


def test_the_text_tells_what_the_circumstances_of_an_act_are() -> None:
    facts = (("ip", "192.0.2.1"), ("source", "nowhere"), ("userAgent", "Ü\x00"), ("ip", "192.0.2.2"))
    act = Act(ADA, EventSource.API, "é\x00", facts, Actor(ActorKind.USER, "9", "G" * 250), reason='"so"')
    told, circumstances = json.loads(act_text(act, AuditScope("works", "museum.work"))), Circumstances.of(act)
    assert told == {
        "op": str(act.id),
        "bare": str(bare_id(act)),
        "kind": "user",
        "id": "7",
        "label": ADA.label,
        "source": "api",
        "correlation": circumstances.correlation_id,
        "reason": '"so"',
        "began": act.began_at.isoformat(),
        "impersonator": "9",
        "impersonatorLabel": "G" * 200,
        "grid": "works",
        "gridOf": "museum.work",
        "facts": {"ip": "192.0.2.2", "userAgent": "Ü�"},
    }
    assert json.loads(circumstances.facts) == told["facts"]
    assert "bare" not in json.loads(act_text(act, None, with_bare=False))


@pytest.mark.django_db
@pytest.mark.both_databases
@pytest.mark.postgres_only
@pytest.mark.usefixtures("without_metadata")
def test_triggers_name_an_act_without_metadata_themselves_where_a_process_knows_of_no_such_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ActAnnouncer, "_text", lambda _self, act, scope: act_text(act, scope, with_bare=False))
    with acting(ADA, EventSource.ADMIN, metadata={"ip": "10.0.0.1"}) as act:
        Artist.objects.create(name="Ada")
        Artist.objects.update(name="Bob")
    second, first = AuditRecord.objects.filter(target_type="museum.artist")[:2]
    assert first.operation == second.operation
    assert (first.operation.facts, first.actor_id, first.operation_id != act.id) == ({}, ADA.id, True)
