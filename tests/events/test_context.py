"""Who is acting right now."""

from __future__ import annotations

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest
from asgiref.sync import sync_to_async
from django.contrib.staticfiles.management.commands import runserver
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.core.management.commands import diffsettings, shell

from gridkit_django.events import (
    Act,
    Actor,
    EventSource,
    acting,
    carry_act,
    current_act,
    explaining,
    held_act,
    make_event,
    name_commands,
    random_id,
    time_ordered_id,
)

ADA = Actor.system("ada")
BOB = Actor.system("bob")


def test_plain_code_acts_as_the_system_through_the_orm() -> None:
    act = current_act()
    assert (act.actor, act.source, act.metadata) == (Actor.system("code"), EventSource.ORM, ())
    assert act.correlation_id


def test_act_holds_for_the_block_and_the_outer_one_returns() -> None:
    with acting(ADA, EventSource.API, correlation_id="c", metadata={"ip": "192.0.2.1"}) as outer:
        assert current_act() is outer
        assert (outer.correlation_id, outer.metadata) == ("c", (("ip", "192.0.2.1"),))
        with acting(BOB, EventSource.PLUGIN) as inner:
            assert current_act() is inner
        assert current_act() is outer
    assert current_act().actor == Actor.system("code")


def test_act_ends_when_the_block_raises() -> None:
    with pytest.raises(ZeroDivisionError), acting(ADA, EventSource.API):
        raise ZeroDivisionError
    assert current_act().actor == Actor.system("code")


def test_each_act_without_an_id_gets_its_own_correlation_id() -> None:
    with acting(ADA, EventSource.API) as one, acting(ADA, EventSource.API) as two:
        assert one.correlation_id != two.correlation_id


def test_act_does_not_leak_into_another_thread() -> None:
    with acting(ADA, EventSource.API), ThreadPoolExecutor(1) as pool:
        assert pool.submit(current_act).result(timeout=10).actor == Actor.system("code")


def test_event_is_stamped_from_the_act_under_way() -> None:
    with acting(ADA, EventSource.ADMIN, correlation_id="c"):
        event = make_event("row:add", {"rowId": "1"}, grid="products")
    assert (event.type, event.grid, event.payload) == ("row:create", "products", {"rowId": "1"})
    assert (event.actor, event.source, event.correlation_id) == (ADA, EventSource.ADMIN, "c")
    assert make_event("plugin:install", {}).grid is None


def test_ids_of_acts_are_of_version_7_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1, 10_000_000, 2_000_000))
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    ids = [time_ordered_id() for _ in range(3)]
    assert ids == sorted(ids)
    assert {(item.version, item.variant) for item in ids} == {(7, uuid.RFC_4122)}


def test_random_ids_are_of_version_4_and_differ() -> None:
    ids = [uuid.UUID(text) for text in (random_id() for _ in range(50))]
    assert {(item.version, item.variant) for item in ids} == {(4, uuid.RFC_4122)}
    assert len(set(ids)) == 50
    assert all(str(uuid.UUID(text)) == text for text in (random_id() for _ in range(5)))


def test_reason_makes_an_act_of_its_own_for_the_same_actor() -> None:
    with acting(ADA, EventSource.API, metadata={"ip": "192.0.2.1"}) as outer:
        with explaining("because"):
            inner = current_act()
            assert current_act().id == inner.id
        with explaining(""):
            assert current_act() is outer
    assert (inner.actor, inner.reason, inner.metadata) == (ADA, "because", outer.metadata)
    assert inner.correlation_id == outer.correlation_id
    assert inner.id != outer.id


def test_reason_outside_of_every_act_is_kept() -> None:
    with explaining("because"):
        assert current_act().reason == "because"
        assert current_act().actor == Actor.system("code")
    assert held_act() is None


def test_act_is_carried_into_a_thread_and_put_down_there() -> None:
    with ThreadPoolExecutor(1) as pool:
        with acting(ADA, EventSource.API):
            carried = pool.submit(carry_act(current_act)).result(timeout=10)
        after = pool.submit(held_act).result(timeout=10)
        nobody = pool.submit(carry_act(held_act)).result(timeout=10)
    assert carried.actor == ADA
    assert after is None
    assert nobody is None


def test_act_reaches_coroutines_and_their_threads() -> None:
    async def ask() -> tuple[Act, Act]:
        return await sync_to_async(current_act)(), current_act()

    with acting(ADA, EventSource.API) as act:
        assert asyncio.run(ask()) == (act, act)


def test_generator_that_ends_in_another_context_ends_its_act() -> None:
    block = acting(ADA, EventSource.API)
    copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    assert held_act() is None


def test_management_command_acts_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Act] = []
    monkeypatch.setattr(diffsettings.Command, "handle", lambda *_args, **_options: seen.append(current_act()))
    monkeypatch.setattr(shell.Command, "handle", lambda *_args, **_options: seen.append(current_act()))
    monkeypatch.setattr(runserver.Command, "handle", lambda *_args, **_options: seen.append(current_act()))
    call_command("diffsettings")
    call_command(shell.Command())
    call_command(runserver.Command())
    with acting(ADA, EventSource.TASK):
        call_command("diffsettings")
    assert [(act.actor.id, act.source) for act in seen] == [
        ("diffsettings", EventSource.COMMAND),
        ("shell", EventSource.SHELL),
        ("code", EventSource.ORM),
        ("ada", EventSource.TASK),
    ]
    assert set(dict(seen[0].metadata)) == {"osUser", "host"}
    assert held_act() is None


def test_commands_are_wrapped_once() -> None:
    before = BaseCommand.execute
    name_commands()
    assert BaseCommand.execute is before
