"""What is exchanged with plugins (messages, method calls, payloads) is copied, limited and accounted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gridkit_django.events import Actor
from gridkit_django.exceptions import PluginLimitError, PluginMessageError, PluginMethodError
from gridkit_django.grids.methods import MethodCall, MethodResult
from gridkit_django.plugins import Plugin, PluginContext, PluginManager
from tests.plugins.samples import EVERYTHING, metadata

pytestmark = [pytest.mark.django_db(transaction=True)]

GRID = "plugin-orders"


class Sender(Plugin):
    metadata = metadata("sender", required_permissions=EVERYTHING)


class Receiver(Plugin):
    metadata = metadata("receiver", required_permissions=EVERYTHING)


@pytest.fixture
def contexts(manager: PluginManager) -> Iterator[tuple[PluginContext, PluginContext]]:
    manager.install_plugin(Sender)
    manager.install_plugin(Receiver)
    yield manager.runtime.live["sender"].plugin.context, manager.runtime.live["receiver"].plugin.context
    for name in ("sender", "receiver"):
        manager.runtime.catalog.remove_object(name)


Both = tuple[PluginContext, PluginContext]


def test_no_receiver_can_change_what_the_sender_or_another_receiver_holds(contexts: Both) -> None:
    sender, receiver = contexts
    message: dict[str, Any] = {"rows": [1]}
    seen: list[Any] = []

    def spoil(_: str, got: Any) -> None:
        got["rows"].append(2)
        message["rows"].append(3)

    receiver.on_message(spoil)
    receiver.on_message(lambda _, got: seen.append(got))
    sender.send_message("receiver", message)
    assert seen == [{"rows": [1]}]
    assert message == {"rows": [1, 3]}


def test_message_over_the_limit_is_refused_before_anybody_hears_it(contexts: Both, settings: Any) -> None:
    settings.GRIDKIT = {"MESSAGE_BYTES_MAX": 20}
    sender, receiver = contexts
    seen: list[Any] = []
    receiver.on_message(lambda _, got: seen.append(got))
    sender.send_message("receiver", "x" * 18)
    with pytest.raises(PluginMessageError, match=r"21 bytes; 20 are the most \(MESSAGE_BYTES_MAX\)"):
        sender.send_message("receiver", "x" * 19)
    with pytest.raises(PluginMessageError, match="no JSON"):
        sender.send_message("receiver", {"when": object()})  # type: ignore[dict-item]
    assert seen == ["x" * 18]


def test_payload_over_the_limit_is_a_limit_error(contexts: Both, settings: Any) -> None:
    settings.GRIDKIT = {"MESSAGE_BYTES_MAX": 20}
    with pytest.raises(PluginLimitError, match="MESSAGE_BYTES_MAX"):
        contexts[0].emit("row:select", {"rowId": "x" * 20}, grid=GRID)


def test_messages_are_counted_and_a_slow_receiver_is_left_out(
    manager: PluginManager, contexts: Both, settings: Any
) -> None:
    settings.GRIDKIT = {"HANDLER_BUDGET_MS": 200, "BREAKER_SLOW_CALLS": 1, "BREAKER_SECONDS": 1000}
    sender, receiver = contexts
    delays = [0.0, 0.0, 0.25]
    receiver.on_message(lambda _, got: time.sleep(delays.pop(0)))
    for _ in range(5):
        sender.send_message("receiver", None)
    figures = manager.runtime.live["receiver"].all_stats()[-1].figures()
    assert (figures.calls, figures.slow, figures.skipped, figures.errors) == (3, 1, 2, 0)
    manager.runtime.housekeeping()
    assert manager.get_plugin("receiver").state_code == "handler-paused"


def call(manager: PluginManager, **arguments: Any) -> MethodResult:
    return manager.runtime.methods.call(MethodCall(GRID, "try", arguments, None, Actor.from_user(None), None))


def test_method_gets_copies_and_gives_copies(manager: PluginManager, contexts: Both) -> None:
    kept: dict[str, Any] = {"list": []}

    def method(call: Any) -> Any:
        call.arguments["list"].append(1)
        return kept

    contexts[0].register_method("try", method, schema={}, label="Try")
    mine: list[int] = []
    result = manager.runtime.methods.call(MethodCall(GRID, "try", {"list": mine}, None, Actor.from_user(None), None))
    body: Any = result.body
    body["result"]["list"].append(2)
    assert (mine, kept) == ([], {"list": []})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("x" * 200, "its answer has 214 bytes; 100 are the most, VALUE_BYTES_MAX"),
        (object(), "its answer is no JSON"),
        (MethodResult(200, [1]), "its answer is no JSON"),  # type: ignore[arg-type]
        (MethodResult(202, {"job": "x" * 200}), "are the most"),
    ],
)
def test_answer_that_is_too_large_or_no_json_is_the_methods_failure(
    manager: PluginManager, contexts: Both, settings: Any, answer: Any, reason: str
) -> None:
    settings.GRIDKIT = {"VALUE_BYTES_MAX": 100}
    contexts[0].register_method("try", lambda call: answer, schema={}, label="Try")
    with pytest.raises(PluginMethodError, match=reason):
        call(manager)


def test_arguments_over_the_limit_never_reach_the_method(manager: PluginManager, contexts: Both, settings: Any) -> None:
    settings.GRIDKIT = {"VALUE_BYTES_MAX": 100}
    reached: list[Any] = []
    contexts[0].register_method("try", reached.append, schema={}, label="Try")
    with pytest.raises(PluginLimitError, match="VALUE_BYTES_MAX"):
        call(manager, text="x" * 100)
    call(manager, text="x")
    assert len(reached) == 1
