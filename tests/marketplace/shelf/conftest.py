"""A site that serves a marketplace, and workers that are called by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from gridkit_django.tasks import market as market_tasks
from tests.marketplace.shelf.goods import Seller


@pytest.fixture(autouse=True)
def served(settings: Any) -> None:
    """Serve a marketplace, with an empty cache and no rates."""
    rates = {"market-read": None, "market-publish": None, "market-events": None}
    settings.GRIDKIT = {"MARKET": {"serve": True, "name": "Tests"}, "THROTTLE_RATES": rates}
    cache.clear()


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The releases that were handed to a worker."""
    found: list[int] = []
    monkeypatch.setattr(market_tasks, "send", lambda _task, arguments: found.extend(arguments))
    return found


@pytest.fixture
def work(queue: list[int], django_capture_on_commit_callbacks: Any) -> Callable[[Callable[[], Any]], Any]:
    """Return a function that does something, lets it commit, and then does what the worker would do."""

    def run(act: Callable[[], Any]) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            result = act()
        while queue:
            market_tasks.check_release(queue.pop(0))
        return result

    return run


@pytest.fixture
def acme(db: None) -> Seller:
    """A publisher."""
    return Seller.make()


@pytest.fixture
def anybody() -> APIClient:
    """Somebody without a token."""
    return APIClient(raise_request_exception=False)
