"""Direct receivers are told by one plain call; with others beside them the signal goes Django's way."""

from __future__ import annotations

from typing import Any

import pytest

from gridkit_django.events import Actor, EventSource, GridEvent
from gridkit_django.events.signals import DirectReceiver, GridSignal

EVENT = GridEvent("row:select", {"rowId": "1"}, None, Actor.system("test"), EventSource.SYSTEM)


class Direct(DirectReceiver):
    """Remembers what it is told; may raise."""

    def __init__(self, *, expects: bool = True, error: Exception | None = None) -> None:
        self.heard: list[GridEvent] = []
        self.is_expecting = expects
        self.error = error

    def hear(self, event: GridEvent) -> None:
        self.heard.append(event)
        if self.error is not None:
            raise self.error

    def expects(self) -> bool:
        return self.is_expecting


def test_signal_without_receivers_tells_nobody() -> None:
    signal = GridSignal()
    signal.tell(GridEvent, EVENT)
    signal.tell_all(GridEvent, EVENT)
    assert not signal.expects()


def test_direct_receiver_hears_each_way_of_sending_once() -> None:
    signal, direct = GridSignal(), Direct()
    signal.connect(direct, weak=False)
    signal.tell(GridEvent, EVENT)
    signal.tell_all(GridEvent, EVENT)
    signal.send(sender=GridEvent, event=EVENT)
    assert direct.heard == [EVENT] * 3


def test_other_receivers_are_told_beside_it_until_they_go() -> None:
    signal, direct, heard = GridSignal(), Direct(expects=False), []

    def other(sender: Any, event: GridEvent, **_kwargs: Any) -> None:
        heard.append((sender, event))

    signal.connect(direct, weak=False)
    assert not signal.expects()
    signal.connect(other)
    assert signal.expects(), "nobody can ask a plain receiver"
    signal.tell("sender", EVENT)
    assert (heard, direct.heard) == ([("sender", EVENT)], [EVENT])
    assert signal.disconnect(other)
    signal.tell("sender", EVENT)
    assert (len(heard), len(direct.heard), signal.expects()) == (1, 2, False)


def test_error_reaches_who_tells_and_is_logged_where_all_are_told(caplog: pytest.LogCaptureFixture) -> None:
    signal, after = GridSignal(), Direct()
    signal.connect(Direct(error=ValueError("no")), weak=False)
    signal.connect(after, weak=False)
    with pytest.raises(ValueError, match="no"):
        signal.tell(GridEvent, EVENT)
    assert after.heard == []
    signal.tell_all(GridEvent, EVENT)
    assert after.heard == [EVENT]
    assert f"failed on committed row:select {EVENT.id}" in caplog.text
