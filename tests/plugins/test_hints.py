"""Hints over a real Redis: said after a commit, heard at once, never waited for."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from gridkit_django.plugins.generation import GenerationStore
from gridkit_django.plugins.hints import HintChannel
from tests.servers.processes import wait_until
from tests.servers.redis import redis_on


class Ear:
    """Listens in a thread of its own, and counts what it hears."""

    def __init__(self, channel: HintChannel) -> None:
        self.heard = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=channel.listen, args=(self._hear, self.stopping), daemon=True)

    def _hear(self) -> None:
        self.heard += 1

    def await_first(self) -> None:
        """Wait until the channel is heard."""
        wait_until(lambda: self.heard > 0, "the connection", seconds=15)

    def await_after(self, act: Callable[[], None]) -> None:
        """Do something, and wait for the hint that comes of it."""
        seen = self.heard
        act()
        wait_until(lambda: self.heard > seen, "a hint", seconds=15)


@contextmanager
def listening(channel: HintChannel) -> Iterator[Ear]:
    ear = Ear(channel)
    ear.thread.start()
    try:
        yield ear
    finally:
        ear.stopping.set()
        ear.thread.join(10)
        assert not ear.thread.is_alive()


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_hint_is_heard_by_the_same_site_and_by_no_other(settings: Any, redis_url: str) -> None:
    settings.GRIDKIT = {"HINT_URL": redis_url}
    channel = HintChannel()
    with listening(channel) as ear:
        ear.await_first()
        ear.await_after(channel.publish)
        here, seen = channel.name, ear.heard
        settings.SECRET_KEY = "of-another-site"
        assert channel.name != here
        channel.publish()
        settings.SECRET_KEY = "only-for-tests"
        ear.await_after(channel.publish)
    assert ear.heard == seen + 1


def test_name_of_the_channel_does_not_hold_the_key(settings: Any) -> None:
    settings.SECRET_KEY = "word"
    assert "word" not in HintChannel().name


def test_without_the_setting_nothing_is_said_and_nothing_heard(settings: Any) -> None:
    settings.GRIDKIT = {}
    channel = HintChannel()
    assert not channel.is_wanted
    channel.publish()
    with listening(channel) as ear:
        ear.thread.join(5)
    assert ear.heard == 0


def test_without_the_client_nothing_is_said(settings: Any, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GRIDKIT = {"HINT_URL": redis_url}
    monkeypatch.setattr("gridkit_django.plugins.hints.HAS_REDIS", False)
    channel = HintChannel()
    channel.publish()
    assert (channel.is_wanted, channel._publisher) == (False, None)


def test_silent_server_does_not_hold_who_changes_plugins_and_is_not_asked_again_at_once(
    settings: Any, silent_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GRIDKIT = {"HINT_URL": silent_server}
    channel = HintChannel()
    began = time.monotonic()
    channel.publish()
    first = time.monotonic() - began
    for _ in range(100):
        channel.publish()
    assert time.monotonic() - began - first < first
    assert caplog.text.count("can't be told") == 1


def test_address_that_cannot_be_read_is_logged_without_its_password(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.GRIDKIT = {"HINT_URL": "redis://user:hidden:word@host:port/0"}
    channel = HintChannel()
    channel.publish()
    with listening(channel):
        wait_until(lambda: "is not heard" in caplog.text, "the warning")
    assert "can't be told" in caplog.text
    assert "hidden" not in caplog.text
    assert "word@" not in caplog.text


def test_redis_gone_and_back_is_heard_again(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "gridkit_django.plugins")
    with redis_on() as (port, first):
        settings.GRIDKIT = {"HINT_URL": f"redis://127.0.0.1:{port}/0"}
        channel = HintChannel()
        with listening(channel) as ear:
            ear.await_first()
            first.stop()
            wait_until(lambda: "is not heard" in caplog.text, "the loss to be noticed")
            with redis_on(port):
                wait_until(lambda: "is back" in caplog.text, "the connection")
                ear.await_after(HintChannel().publish)
                assert caplog.text.count("is not heard") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_hint_goes_out_after_the_commit_and_not_after_a_rollback() -> None:
    said: list[bool] = []

    class Told(HintChannel):
        def publish(self) -> None:
            said.append(transaction.get_connection().in_atomic_block)

    generations = GenerationStore(Told())
    with transaction.atomic():
        generations.bump()
        transaction.set_rollback(True)
    assert said == []
    with transaction.atomic():
        generations.bump()
        assert said == []
    assert said == [False]
