"""One event on its way through middleware and moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.db import transaction

from gridkit_django.events import EventBus, GridEvent, Moment, event_bus, make_event, signal_for
from gridkit_django.exceptions import EventRejected

# Committed moments need real commits.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

Told = list[tuple[Moment, GridEvent, Any]]


class SenderGrid:
    """Stands for a grid class as the sender of signals."""


@contextmanager
def connected(event_type: str, moment: Moment, receiver: Callable[..., Any]) -> Iterator[None]:
    signal = signal_for(event_type, moment)
    signal.connect(receiver, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver)


@pytest.fixture
def told() -> Iterator[Told]:
    """Every moment of ``row:update`` that is told while the test runs."""
    heard: Told = []

    def listener(moment: Moment) -> Callable[..., None]:
        def receive(sender: Any, event: GridEvent, **_kwargs: Any) -> None:
            heard.append((moment, event, sender))

        return receive

    with ExitStack() as stack:
        for moment in Moment:
            stack.enter_context(connected("row:update", moment, listener(moment)))
        yield heard


def moments(told: Told) -> list[Moment]:
    return [moment for moment, _, _ in told]


def row_update() -> GridEvent:
    return make_event("row:update", {"rowId": "1"}, grid="products")


def test_emission_tells_before_then_after_then_committed_with_one_event_id(told: Told) -> None:
    event = row_update()
    with transaction.atomic():
        emission = EventBus().open(event, sender=SenderGrid)
        assert told == []
        emission.before()
        assert moments(told) == [Moment.BEFORE]
        emission.after(version="v2")
        assert moments(told) == [Moment.BEFORE, Moment.AFTER]
    assert moments(told) == [Moment.BEFORE, Moment.AFTER, Moment.COMMITTED]
    assert {seen.id for _, seen, _ in told} == {event.id}
    assert {sender for _, _, sender in told} == {SenderGrid}


def test_values_known_only_after_the_act_reach_after_and_committed(told: Told) -> None:
    emission = EventBus().open(row_update())
    emission.before()
    emission.after(version="v2")
    assert [dict(event.payload) for _, event, _ in told] == [
        {"rowId": "1"},
        {"rowId": "1", "version": "v2"},
        {"rowId": "1", "version": "v2"},
    ]


def test_rolled_back_act_is_never_told_as_committed(told: Told) -> None:
    with transaction.atomic():
        EventBus().emit(row_update())
        transaction.set_rollback(True)
    assert moments(told) == [Moment.BEFORE, Moment.AFTER]


def test_committed_waits_for_the_outermost_transaction(told: Told) -> None:
    with transaction.atomic():
        with transaction.atomic():
            EventBus().emit(row_update())
        assert moments(told) == [Moment.BEFORE, Moment.AFTER]
    assert moments(told)[-1] is Moment.COMMITTED


def test_outside_a_transaction_committed_follows_at_once(told: Told) -> None:
    event = row_update()
    assert EventBus().emit(event) is event
    assert moments(told) == [Moment.BEFORE, Moment.AFTER, Moment.COMMITTED]
    assert {sender for _, _, sender in told} == {GridEvent}


def test_veto_in_before_stops_the_event(told: Told) -> None:
    def veto(**_kwargs: Any) -> None:
        raise EventRejected("Not on Sundays.")

    with (
        connected("row:update", Moment.BEFORE, veto),
        pytest.raises(EventRejected, match="Not on Sundays"),
        transaction.atomic(),
    ):
        EventBus().emit(row_update())
    assert Moment.AFTER not in moments(told)
    assert Moment.COMMITTED not in moments(told)


def test_error_in_after_undoes_the_act(told: Told) -> None:
    def fail(**_kwargs: Any) -> None:
        raise ZeroDivisionError

    with connected("row:update", Moment.AFTER, fail), pytest.raises(ZeroDivisionError), transaction.atomic():
        EventBus().emit(row_update())
    assert Moment.COMMITTED not in moments(told)


def test_error_in_committed_is_logged_and_the_others_are_still_told(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[GridEvent] = []

    def fail(**_kwargs: Any) -> None:
        raise ZeroDivisionError("no divisor")

    def listen(event: GridEvent, **_kwargs: Any) -> None:
        heard.append(event)

    with connected("row:update", Moment.COMMITTED, fail), connected("row:update", Moment.COMMITTED, listen):
        event = EventBus().emit(row_update())
    assert heard == [event]
    ours = [record for record in caplog.records if record.name == "gridkit_django.events"]
    assert [record.getMessage() for record in ours] == [
        f"{fail.__qualname__} failed on committed row:update {heard[0].id}"
    ]
    assert ours[0].exc_info is not None


def test_failing_receiver_without_a_name_is_logged_once_and_the_others_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Nameless:
        def __call__(self, **_kwargs: Any) -> None:
            raise ZeroDivisionError

        def __repr__(self) -> str:
            return "<nameless>"

    heard: list[GridEvent] = []

    def listen(event: GridEvent, **_kwargs: Any) -> None:
        heard.append(event)

    with connected("row:update", Moment.COMMITTED, Nameless()), connected("row:update", Moment.COMMITTED, listen):
        EventBus().emit(row_update())
    assert [record.getMessage() for record in caplog.records] == [
        f"<nameless> failed on committed row:update {heard[0].id}"
    ]


class Recorder:
    """Middleware that notes what it sees and answers as told."""

    def __init__(self, answer: Callable[[GridEvent], GridEvent | None] = lambda event: event) -> None:
        self.answer = answer
        self.seen: list[GridEvent] = []

    def __call__(self, event: GridEvent) -> GridEvent | None:
        self.seen.append(event)
        return self.answer(event)


def test_middleware_sees_each_event_once_outermost_first() -> None:
    order: list[str] = []
    outer = Recorder(lambda event: order.append("outer") or event)  # type: ignore[func-returns-value]
    inner = Recorder(lambda event: order.append("inner") or event)  # type: ignore[func-returns-value]
    bus = EventBus((outer,))
    bus.use(inner)
    emission = bus.open(row_update())
    emission.before()
    assert order == ["outer", "inner"]


def test_middleware_may_change_the_event_for_all_behind_it() -> None:
    inner = Recorder()
    bus = EventBus((lambda event: event.with_payload(note="seen"), inner))
    event = row_update()
    emission = bus.open(event)
    assert emission.event == inner.seen[0] == event.with_payload(note="seen")


def test_dropped_event_is_told_to_nobody_and_inner_middleware_does_not_see_it(told: Told) -> None:
    inner = Recorder()
    bus = EventBus((lambda _event: None, inner))
    assert bus.emit(row_update()) is None
    assert (told, inner.seen) == ([], [])


def test_removing_middleware_takes_away_just_that_one() -> None:
    first, second = Recorder(), Recorder()
    bus = EventBus()
    remove = bus.use(first)
    bus.use(second)
    remove()
    bus.open(row_update())
    assert (len(first.seen), len(second.seen)) == (0, 1)
    remove()
    bus.open(row_update())
    assert len(second.seen) == 2


def test_this_process_has_one_bus() -> None:
    assert isinstance(event_bus(), EventBus)
    assert event_bus() is event_bus()
