"""Handing a task to a broker that does not answer: the sender knows it soon."""

from __future__ import annotations

import base64
import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from celery import Celery, Task
from kombu.exceptions import OperationalError

from gridkit_django.exceptions import TaskQueueUnsetError
from gridkit_django.tasks.sending import send
from tests.servers.processes import free_port


@pytest.fixture
def silent_port() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield server.getsockname()[1]


@contextmanager
def _task(broker: str) -> Iterator[Task]:
    """Give a task of an application that sets no time-outs of its own, as projects do."""
    with Celery(f"patient-{uuid.uuid4().hex}", broker=broker, set_as_current=False) as app:

        @app.task(name=f"{app.main}.wait", ignore_result=True, shared=False)
        def wait(word: str) -> None:
            """Do nothing."""

        yield wait


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_silent_broker_is_an_error_and_not_a_wait_for_ever(silent_port: int, scheme: str) -> None:
    with _task(f"{scheme}://127.0.0.1:{silent_port}/0") as task, pytest.raises(OperationalError):
        send(task, ["word"])


def test_absent_broker_is_an_error() -> None:
    with _task(f"redis://127.0.0.1:{free_port()}/0") as task, pytest.raises(OperationalError):
        send(task, ["word"])


def test_task_reaches_the_broker_once_with_its_arguments_and_options(redis_url: str) -> None:
    with _task(redis_url) as task, redis.Redis.from_url(redis_url) as broker:
        send(task, ["word"], queue="for-a-test", soft_time_limit=7)
        (found,) = broker.lrange("for-a-test", 0, -1)
        broker.delete("for-a-test")
    message = json.loads(found)
    assert (message["headers"]["task"], message["headers"]["timelimit"]) == (task.name, [None, 7])
    assert json.loads(base64.b64decode(message["body"]))[0] == ["word"]


def test_process_that_knows_no_broker_says_what_is_missing_instead_of_waiting_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with _task("") as task:
        task.app.conf.update(broker_url=None)

        def absent(*_words: object, **_more: object) -> None:
            raise OperationalError("nobody on the default port")

        monkeypatch.setattr(task, "apply_async", absent)
        with pytest.raises(TaskQueueUnsetError, match=r"__init__\.py.*CELERY_BROKER_URL") as told:
            send(task, ["word"])
    assert TaskQueueUnsetError.tell(told.value) == told.value.detail
    assert TaskQueueUnsetError.tell(OperationalError(), "Start it again") == (
        "The task queue could not be reached (OperationalError). Start it again when it is back."
    )
