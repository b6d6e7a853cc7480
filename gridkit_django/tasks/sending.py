"""Sending a task so that whoever sends waits for the broker only so long, however the project set Celery up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from celery import Celery, Task
from kombu.exceptions import OperationalError

from gridkit_django.exceptions import TaskQueueUnsetError

_CONNECT_SECONDS = 2.0
_ANSWER_SECONDS = 2.0
_RETRY_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}

_TIMEOUTS: Mapping[str, float] = {
    # Redis
    "socket_connect_timeout": _CONNECT_SECONDS,
    "socket_timeout": _ANSWER_SECONDS,
    # RabbitMQ
    "read_timeout": _ANSWER_SECONDS,
    "write_timeout": _ANSWER_SECONDS,
}
"""Options of the transports; each takes those that it knows."""


def send(task: Task[Any, Any], arguments: Sequence[Any], **options: Any) -> None:
    """Hand a task to the broker; within some seconds it has it, or the caller knows that it has not.

    The connection is one of its own: the pool's connections wait as long as the project lets them, by default for ever.

    Args:
        task: which task.
        arguments: what it is called with.
        options: further options of ``apply_async``.

    Raises:
        kombu.exceptions.OperationalError: when the broker can't be reached, or is silent.
        TaskQueueUnsetError: when no broker is named in this process, and Celery's own default can't be reached.
    """
    try:
        with task.app.connection_for_write(connect_timeout=_CONNECT_SECONDS, transport_options=_TIMEOUTS) as connection:
            sending: dict[str, Any] = {"connection": connection, "retry": True, "retry_policy": _RETRY_ONCE, **options}
            task.apply_async(tuple(arguments), **sending)
    except OperationalError as error:
        if names_broker(task.app):
            raise
        raise TaskQueueUnsetError(
            "No broker is named for tasks in this process, so they would go to amqp://guest@localhost, and nobody "
            "answers there. Let the project's package import its Celery app (in its __init__.py: from .celery import "
            "app as celery_app), set CELERY_BROKER_URL, and start this process again."
        ) from error


def names_broker(app: Celery) -> bool:
    """Say whether a Celery app was told where tasks go.

    An app that was not takes ``amqp://guest@localhost``. That is also what tasks go to in a process that never imported
    the project's app: they are shared tasks, and belong to whichever app is there.
    """
    conf = app.conf
    return bool(conf.task_always_eager or conf.broker_write_url or conf.broker_url or conf.broker_transport)
