"""What an event carries."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from gridkit_django.events import Actor, ActorKind, EventSource, GridEvent
from gridkit_django.exceptions import UnknownEventTypeError

ADA = Actor(ActorKind.USER, "7", "ada")


def row_update(**values: Any) -> GridEvent:
    return GridEvent(
        **{
            "type": "row:update",
            "payload": {"rowId": "1"},
            "grid": "products",
            "actor": ADA,
            "source": EventSource.API,
            **values,
        }
    )


@pytest.mark.parametrize("nobody", [None, AnonymousUser()])
def test_nobody_logged_in_is_the_anonymous_actor(nobody: AnonymousUser | None) -> None:
    assert Actor.from_user(nobody) == Actor(ActorKind.ANONYMOUS, "", "anonymous")


def test_user_plugin_and_system_actors_carry_id_and_label() -> None:
    assert Actor.from_user(User(pk=7, username="ada")) == ADA
    assert Actor.plugin("@a/b") == Actor(ActorKind.PLUGIN, "@a/b", "@a/b")
    assert Actor.system("exports") == Actor(ActorKind.SYSTEM, "exports", "exports")


def test_alias_is_resolved_when_the_event_is_made() -> None:
    assert row_update(type="row:remove").type == "row:delete"


def test_unknown_type_makes_no_event() -> None:
    with pytest.raises(UnknownEventTypeError):
        row_update(type="row:upsert")


def test_event_and_its_payload_are_frozen_and_the_given_dict_is_copied() -> None:
    payload = {"rowId": "1"}
    event = row_update(payload=payload)
    payload["rowId"] = "2"
    assert event.payload == {"rowId": "1"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.grid = "others"  # type: ignore[misc]
    with pytest.raises(TypeError):
        event.payload["rowId"] = "3"  # type: ignore[index]


def test_two_events_have_different_ids_and_aware_times_of_now() -> None:
    one, two = row_update(), row_update()
    assert one.id != two.id
    assert timedelta() <= timezone.now() - one.timestamp < timedelta(minutes=1)


def test_with_payload_keeps_everything_else() -> None:
    event = row_update()
    more = event.with_payload(version="v2", rowId="9")
    assert more.payload == {"rowId": "9", "version": "v2"}
    assert event.payload == {"rowId": "1"}
    assert dataclasses.replace(more, payload=event.payload) == event


def test_dict_form_is_plain_json() -> None:
    event = row_update(correlation_id="c-1")
    assert json.loads(json.dumps(event.as_dict())) == {
        "id": event.id,
        "type": "row:update",
        "grid": "products",
        "payload": {"rowId": "1"},
        "actor": {"kind": "user", "id": "7", "label": "ada"},
        "source": "api",
        "timestamp": event.timestamp.isoformat(),
        "correlationId": "c-1",
    }
