from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen
from uuid import uuid4

import pytest
from celery import Celery, current_app

from example_project.runner import inside
from example_project.runner.inside import InsideClock, InsideWeb, InsideWorker
from example_project.runner.parts import Part, PartFailedError
from tests.servers.processes import free_port, wait_until


@pytest.fixture
def run_part() -> Iterator[Callable[[Part], None]]:
    """Starts parts that are stopped after the test."""
    started: list[Part] = []

    def start(part: Part) -> None:
        started.append(part)
        part.start()
        part.wait_ready()

    yield start
    for part in reversed(started):
        part.stop()
        assert not part.alive()


@pytest.fixture
def app(worker_inside: None) -> Iterator[Celery]:
    """A Celery application of the test's own, over this process's memory."""
    before = current_app._get_current_object()
    with Celery("inside-test", broker="memory://localhost", fixups=[], set_as_current=False) as fresh:
        fresh.conf.update(
            task_default_queue=uuid4().hex,  # the memory is the whole process's
            broker_transport_options={"polling_interval": 0.01},
            task_ignore_result=True,
            worker_hijack_root_logger=False,
        )
        yield fresh
    before.set_default()
    before.set_current()


@pytest.fixture
def ran(app: Celery) -> threading.Event:
    """Set when the task `inside.mark` ran."""
    event = threading.Event()

    @app.task(name="inside.mark", shared=False)
    def mark() -> None:
        event.set()

    return event


def test_worker_runs_a_task_of_this_process_on_another_thread(
    app: Celery, ran: threading.Event, run_part: Callable[[Part], None]
):
    run_part(InsideWorker(app))

    app.send_task("inside.mark")

    assert ran.wait(10)


def test_worker_that_does_not_get_ready_is_reported(app: Celery, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inside, "START_SECONDS", 0)

    with pytest.raises(PartFailedError, match="was not ready after 0 s"):
        InsideWorker(app).wait_ready()


def test_stopped_worker_takes_no_more_tasks_and_leaves_no_thread(app: Celery, ran: threading.Event):
    worker = InsideWorker(app)
    threads = threading.active_count()
    worker.start()
    worker.wait_ready()
    assert worker.alive()

    worker.stop()
    app.send_task("inside.mark")

    assert not worker.alive()
    wait_until(lambda: threading.active_count() <= threads, "the worker's threads to end", seconds=10)
    assert not ran.is_set()


def test_stop_lets_a_running_task_end(app: Celery):
    began, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    @app.task(name="inside.slow", shared=False)
    def slow() -> None:
        began.set()
        may_end.wait(10)
        ended.set()

    worker = InsideWorker(app)
    worker.start()
    worker.wait_ready()
    app.send_task("inside.slow")
    assert began.wait(10)
    threading.Timer(0.3, may_end.set).start()

    worker.stop()

    assert ended.is_set()


def test_clock_sends_what_is_due(app: Celery, ran: threading.Event, run_part: Callable[[Part], None], tmp_path: Path):
    app.conf.beat_schedule = {"mark": {"task": "inside.mark", "schedule": 0.2}}
    run_part(InsideWorker(app))

    run_part(InsideClock(app, tmp_path / "schedule"))

    assert ran.wait(10)


@pytest.mark.parametrize("part", ["worker", "clock", "web"])
def test_part_that_never_started_stops_quietly(app: Celery, tmp_path: Path, part: str):
    parts: dict[str, Part] = {
        "worker": InsideWorker(app),
        "clock": InsideClock(app, tmp_path / "schedule"),
        "web": InsideWeb("127.0.0.1", free_port()),
    }

    parts[part].stop()

    assert not parts[part].alive()


def test_web_server_answers_until_it_is_stopped():
    port = free_port()
    web = InsideWeb("127.0.0.1", port)
    web.start()

    web.wait_ready()
    with pytest.raises(HTTPError) as caught:
        urlopen(f"http://127.0.0.1:{port}/no-such-page", timeout=10)
    caught.value.close()
    web.stop()

    assert caught.value.code == 404
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_web_server_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inside, "START_SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()

        with pytest.raises(PartFailedError, match="did not answer within"):
            InsideWeb("127.0.0.1", silent.getsockname()[1]).wait_ready()


def test_web_server_on_a_taken_port_says_so():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(PartFailedError, match="Can't listen on 127\\.0\\.0\\.1 port"):
            InsideWeb("127.0.0.1", other.getsockname()[1]).start()
