"""Who acts in a task: whoever sent it, by a signed header; nobody's name is left from the task before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.core import signing

from gridkit_django.events import Act, Actor, ActorKind, EventSource, PendingAct, current_act, held_act, swap_act

logger = logging.getLogger("gridkit_django.tasks")

HEADER = "gridkit_act"
"""The header of a task's message."""

_SALT = "gridkit_django.tasks.acts"
_BEFORE = "gridkit_act_before"

UNKNOWN = Actor(ActorKind.SYSTEM, "unknown", "unknown")
"""Who acts in a task whose message does not say who sent it, or says it with a signature that is not this site's."""


def carry_acts() -> None:
    """Let every task of this process act as whoever sent it: also when it is tried again, or goes on in a chain."""
    for signal, receiver in (
        (before_task_publish, sign_message),
        (task_prerun, begin_task),
        (task_postrun, end_task),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"gridkit_django.tasks.acts.{receiver.__name__}")


def sign_message(headers: Any = None, body: Any = None, **_kwargs: Any) -> None:
    """Receiver of ``before_task_publish``: put who acts into the message, signed together with the task's id.

    So a header that was read from the broker serves for no other task.

    Args:
        headers: the message's headers, changed in place.
        body: the message's body, where the first protocol of Celery keeps the id.
    """
    if not isinstance(headers, dict):
        return
    told = _told(held_act() or Act(actor=Actor.system("code")))
    task_id = headers.get("id") or (body.get("id") if isinstance(body, Mapping) else None)
    headers[HEADER] = signing.dumps({**told, "task": str(task_id)}, salt=_SALT, compress=True)


def begin_task(task_id: str = "", task: Any = None, **_kwargs: Any) -> None:
    """Receiver of ``task_prerun``: act as whoever sent the task.

    A task that is carried out by its sender himself (eager) has no message: he goes on acting.

    Args:
        task_id: the task's id.
        task: the task.
    """
    request = task.request
    act = _in_sender(task, task_id) if request.is_eager else _of_message(task, task_id)
    setattr(request, _BEFORE, [swap_act(act)])


def end_task(task: Any = None, **_kwargs: Any) -> None:
    """Receiver of ``task_postrun``: whoever acted before the task acts again; in a worker that is nobody."""
    before: list[Act | PendingAct | None] = getattr(task.request, _BEFORE, [None])
    swap_act(before[0])


def _in_sender(task: Task[Any, Any], task_id: str) -> Act:
    act = current_act()
    return Act(
        act.actor,
        EventSource.TASK,
        act.correlation_id,
        (*_without_task(act), *_facts(task, task_id)),
        act.impersonator,
        act.reason,
    )


def _of_message(task: Task[Any, Any], task_id: str) -> Act:
    header = task.request.get(HEADER)
    facts = _facts(task, task_id)
    if not isinstance(header, str):
        return Act(UNKNOWN, EventSource.TASK, metadata=facts)
    try:
        told: Mapping[str, Any] = signing.loads(header, salt=_SALT)
    except signing.BadSignature:
        told = {}
    if told.get("task") != task_id:
        logger.warning("Task %s (%s) names its sender with a signature that is not ours", task_id, task.name)
        return Act(UNKNOWN, EventSource.TASK, metadata=(*facts, ("sender", "refused")))
    return Act(
        _actor(told["actor"]),
        EventSource.TASK,
        told["correlation"],
        (*((name, value) for name, value in told["facts"]), *facts),
        None if told["impersonator"] is None else _actor(told["impersonator"]),
        told["reason"],
    )


def _facts(task: Task[Any, Any], task_id: str) -> tuple[tuple[str, str], ...]:
    return (("task", str(task.name)), ("taskId", task_id))


def _without_task(act: Act) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in act.metadata if name not in {"task", "taskId"})


def _told(act: Act) -> dict[str, Any]:
    return {
        "actor": _words(act.actor),
        "impersonator": None if act.impersonator is None else _words(act.impersonator),
        "correlation": act.correlation_id,
        "facts": _without_task(act),
        "reason": act.reason,
    }


def _words(actor: Actor) -> list[str]:
    return [actor.kind.value, actor.id, actor.label]


def _actor(words: list[str]) -> Actor:
    kind, key, label = words
    return Actor(ActorKind(kind), key, label)
