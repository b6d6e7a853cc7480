"""Who acts in a task: whoever sent it, and never whoever was there before."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery, Task, chain, chord, group
from celery.contrib.testing.worker import start_worker
from django.core import signing

from gridkit_django.events import Act, Actor, ActorKind, EventSource, acting, current_act, held_act
from gridkit_django.tasks.acts import HEADER, UNKNOWN, sign_message

ADA = Actor(ActorKind.USER, "7", "ada")
BOSS = Actor(ActorKind.USER, "1", "boss")

app = Celery("acts", broker="memory://acts", backend="cache+memory://", set_as_current=False)
# A queue of its own: the memory that brokers is that of the whole process, and holds what other tests have sent.
app.conf.update(task_always_eager=False, broker_connection_retry_on_startup=True, task_default_queue="acts")
seen: list[tuple[str, Act]] = []


@app.task(name="acts.note")
def note(name: str) -> str:
    """Note who acts."""
    seen.append((name, current_act()))
    return name


@app.task(name="acts.after")
def after(results: Any, name: str) -> None:
    """Note who acts after others."""
    seen.append((name, current_act()))


@app.task(name="acts.again", bind=True, max_retries=1, default_retry_delay=0)
def again(task: Task[Any, Any], name: str) -> None:
    """Note who acts, twice."""
    seen.append((name, current_act()))
    if not task.request.retries:
        raise task.retry()


@pytest.fixture
def worker(worker_inside: None) -> Iterator[None]:
    seen.clear()
    root = logging.getLogger()
    level, handlers = root.level, [*root.handlers]
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        yield
    # A worker takes the root logger over, and would keep the warnings of all tests after this one to itself.
    root.setLevel(level)
    root.handlers[:] = handlers


def as_ada() -> Any:
    facts = {"ip": "192.0.2.1"}
    return acting(ADA, EventSource.API, correlation_id="c-1", metadata=facts, impersonator=BOSS, reason="because")


def test_task_acts_as_its_sender_also_again_in_chains_groups_and_chords(worker: None) -> None:
    with as_ada():
        sent = [note.delay("plain"), again.delay("again")]
        sent.append(chain(note.si("first"), note.si("second"))())
        sent.append(group(note.si("one"), note.si("two"))())
        sent.append(chord([note.si("head")], after.s("body"))())
    for result in sent:
        result.get(timeout=20)
    alone = note.delay("alone")
    alone.get(timeout=20)
    found = [(name, act) for name, act in seen if name != "alone"]
    assert sorted(name for name, _ in found) == sorted(
        ["plain", "again", "again", "first", "second", "one", "two", "head", "body"]
    )
    for _, act in found:
        assert (act.actor, act.impersonator, act.reason) == (ADA, BOSS, "because")
        assert (act.correlation_id, act.source) == ("c-1", EventSource.TASK)
        assert {name for name, _ in act.metadata} == {"ip", "task", "taskId"}
    assert [act.actor for name, act in seen if name == "alone"] == [Actor.system("code")]


def test_message_that_does_not_say_who_sent_it_is_from_nobody(worker: None) -> None:
    with as_ada():
        told = note.delay("told")
        told.get(timeout=20)
    strange = signing.dumps({"task": "another"}, salt="gridkit_django.tasks.acts")
    for name, header in (("forged", "x:y:z"), ("moved", strange), ("missing", None)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gridkit_django.tasks.acts.signing.dumps", lambda *_args, value=header, **_options: value)
            note.delay(name).get(timeout=20)
    found = dict(seen)
    assert found["told"].actor == ADA
    for name in ("forged", "moved", "missing"):
        assert found[name].actor == UNKNOWN
        assert found[name].correlation_id != "c-1"
    assert dict(found["forged"].metadata)["sender"] == "refused"
    assert "sender" not in dict(found["missing"].metadata)


def test_eager_task_is_its_senders_own_and_he_goes_on_after_it() -> None:
    seen.clear()
    with as_ada() as outer:
        note.apply(args=("eager",))
        assert current_act() is outer
    note.apply(args=("nobody",))
    assert held_act() is None
    found = dict(seen)
    assert (found["eager"].actor, found["eager"].correlation_id) == (ADA, "c-1")
    assert found["eager"].source == EventSource.TASK
    assert found["nobody"].actor == Actor.system("code")


def test_header_is_signed_and_bound_to_the_task() -> None:
    headers: dict[str, Any] = {"id": "t-1"}
    with as_ada():
        sign_message(headers=headers)
    told = signing.loads(headers[HEADER], salt="gridkit_django.tasks.acts")
    assert (told["task"], told["actor"]) == ("t-1", ["user", "7", "ada"])
    old: dict[str, Any] = {}
    sign_message(headers=old, body={"id": "t-2"})
    assert signing.loads(old[HEADER], salt="gridkit_django.tasks.acts")["task"] == "t-2"
    sign_message(headers=None)
