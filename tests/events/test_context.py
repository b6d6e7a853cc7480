"""Who is acting right now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gridkit_django.events import Actor, EventSource, acting, current_act, make_event

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
