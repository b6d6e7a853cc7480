"""Hints: processes tell each other over Redis that something changed, so that idle ones look at once.

A hint is never the truth. It holds nothing but "look": whoever hears it compares the generation in the database. So a
hint that is lost costs some time (``POLL_SECONDS`` at most), and one too many costs one small SELECT.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from gridkit_django.conf import settings
from gridkit_django.plugins.stats import describe

HAS_REDIS = find_spec("redis") is not None
"""Whether the extra ``redis`` is installed. Its client takes long to import, so only who talks to Redis does."""

logger = logging.getLogger("gridkit_django.plugins")

_PUBLISH_SECONDS = 0.5
_CONNECT_SECONDS = 2.0
_LISTEN_SECONDS = 1.0
_HEALTH_SECONDS = 10
_PAUSE_SECONDS = 10.0
_RETRY_SECONDS = (0.1, 5.0)


class HintChannel:
    """The channel of this site at ``HINT_URL``. Without that setting nothing is said and nothing heard.

    The name of the channel is made from ``SECRET_KEY``, so that sites that share a Redis do not wake each other.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin again without connections: at the start, and in a forked child, whose parent owns the old ones."""
        self._publisher: tuple[str, Any] | None = None
        self._silent_until = 0.0
        self._lock = threading.Lock()

    @property
    def is_wanted(self) -> bool:
        """Whether the settings name a Redis, and its client is installed."""
        return settings().HINT_URL is not None and HAS_REDIS

    @property
    def name(self) -> str:
        """The channel's name, the same in every process of the site."""
        return f"gridkit:{salted_hmac('gridkit_django.plugins.hints', 'channel').hexdigest()[:32]}"

    def publish(self) -> None:
        """Say that something changed. Never raises, and never takes long.

        When Redis can't be reached that is logged, and not tried again for some seconds: whoever changes plugins must
        not wait for a server that only saves time.
        """
        url = settings().HINT_URL
        if url is None or not HAS_REDIS or time.monotonic() < self._silent_until:
            return
        try:
            with self._lock:
                self._client(url).publish(self.name, "")
        except _faults() as error:
            self._silent_until = time.monotonic() + _PAUSE_SECONDS
            logger.warning(
                "Redis at HINT_URL can't be told of a change; processes find it by looking: %s", _text(error)
            )

    def listen(self, heard: Callable[[], None], stopping: threading.Event) -> None:
        """Call ``heard`` at each hint until ``stopping`` is set. Never raises; a lost connection is made anew.

        ``heard`` is also called after each new connection, for what was said while there was none.

        Args:
            heard: what to do; quick.
            stopping: asked about once a second.
        """
        pause, longest = _RETRY_SECONDS
        lost = False
        while not stopping.is_set() and self.is_wanted:
            try:
                for _ in _subscription(str(settings().HINT_URL), self.name, stopping):
                    if lost:
                        logger.info("Redis at HINT_URL is back.")
                    pause, lost = _RETRY_SECONDS[0], False
                    heard()
            except _faults() as error:
                if not lost:
                    logger.warning("Redis at HINT_URL is not heard; this process looks by itself: %s", _text(error))
                lost = True
                stopping.wait(pause)
                pause = min(pause * 2, longest)

    def _client(self, url: str) -> Any:
        """Return the client for publishing, made anew when the setting changed."""
        if self._publisher is None or self._publisher[0] != url:
            self._publisher = (url, _client(url, _PUBLISH_SECONDS))
        return self._publisher[1]


def _subscription(url: str, name: str, stopping: threading.Event) -> Any:
    """Yield once when the channel is heard, and again for each message, until ``stopping`` is set."""
    with _client(url, _CONNECT_SECONDS) as client, client.pubsub() as channel:
        channel.subscribe(name)
        while not stopping.is_set():
            if channel.get_message(timeout=_LISTEN_SECONDS) is not None:
                yield


def _client(url: str, seconds: float) -> Any:
    """Return a client that gives up after so many seconds, and does not try again by itself."""
    no_retry = import_string("redis.retry.Retry")(import_string("redis.backoff.NoBackoff")(), 0)
    return import_string("redis.Redis").from_url(
        url,
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        health_check_interval=_HEALTH_SECONDS,
        retry=no_retry,
    )


def _faults() -> tuple[type[Exception], ...]:
    """Return what talking to Redis raises when it can't be done."""
    return import_string("redis.RedisError"), OSError, ValueError


def _text(error: BaseException) -> str:
    """Return what went wrong; of an address that can't be read not the text, which may hold its password."""
    return "the address can't be read" if isinstance(error, ValueError) else describe(error)
