"""The vendors' own SDKs, called as their pages tell to; those that are not installed are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

Track = Callable[[str, str, dict[str, Any]], object]


@contextmanager
def sdk_peers(url: str, key: str) -> Iterator[dict[str, Track]]:
    """Give what is installed: name to what tracks an event of a user with properties."""
    found: dict[str, Track] = {}
    clients: list[Any] = []
    if find_spec("segment") is not None:
        from segment.analytics import Client  # noqa: PLC0415 - optional

        for name, in_request in (("Segment SDK in the request", True), ("Segment SDK, its thread", False)):
            client = Client(key, host=url, sync_mode=in_request)
            clients += [] if in_request else [client]
            found[name] = client.track
    if find_spec("mixpanel") is not None:
        from mixpanel import Consumer, Mixpanel  # noqa: PLC0415 - optional

        consumer = Consumer(events_url=f"{url}/track", retry_limit=0)
        found["Mixpanel SDK in the request"] = Mixpanel(key, consumer=consumer).track
    try:
        yield found
    finally:
        for client in clients:
            client.join()
