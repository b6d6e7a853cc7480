"""What processes tell while one of them tries a version, and a site where one can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from gridkit_django.marketplace.client import canary, refresh_catalogue
from gridkit_django.models import RuntimeProcess
from gridkit_django.plugins import PluginManager
from gridkit_django.plugins.histogram import Histogram
from tests.marketplace.client.packages import PLUGIN, Acme

Act = Callable[[int], object]


def times(calls: int, ms: float) -> dict[str, int]:
    found = Histogram()
    found.add_sorted([int(ms * 1e6)], calls)
    return found.as_dict()


def figures(digest: str, calls: int = 0, errors: int = 0, ms: float = 1.0) -> dict[str, Any]:
    facts = {"version": "1", "digest": digest, "calls": calls, "errors": errors, "total_ms": calls * ms}
    return {PLUGIN: {**facts, "times": times(calls, ms)}}


def mine(manager: PluginManager) -> Any:
    return RuntimeProcess.objects.filter(pid=manager.runtime.process.pid)


def serves(manager: PluginManager) -> str:
    return manager.runtime.live[PLUGIN].metadata.version


def tell(manager: PluginManager, calls: int, errors: int, ms: float, *, later: int) -> None:
    """Write what the canary counted, some seconds later."""
    row = mine(manager).get()
    digest = row.figures[PLUGIN]["digest"]
    mine(manager).update(figures=figures(digest, calls, errors, ms), seen_at=timezone.now() + timedelta(seconds=later))


def look(manager: PluginManager) -> None:
    """Let this process see what is wished of it."""
    manager._canaries.follow()


@pytest.fixture
def tried(acme: Acme, manager: PluginManager, no_probe: None, settings: Any) -> Iterator[Acme]:
    """1.0.0 serves here and in another web process; 1.1.0 is listed."""
    acme.publish()
    refresh_catalogue()
    manager.install_plugin(f"marketplace:{PLUGIN}", grants="all")
    settings.GRIDKIT = {**settings.GRIDKIT, "CANARY_SECONDS": 60}
    acme.publish("1.1.0", word="two")
    refresh_catalogue()
    RuntimeProcess.objects.all().delete()
    manager.runtime.process.kind = "web"
    manager.runtime.process.hurry()
    manager.runtime.housekeeping()
    now = timezone.now()
    digest = manager.runtime.live[PLUGIN].code.digest
    old = now - timedelta(days=30)
    told = figures(digest, 1000, 10)
    host = manager.runtime.process.describe()["host"]
    RuntimeProcess.objects.create(host=host, pid=7, kind="web", figures=told, started_at=old, seen_at=now)
    yield acme
    manager.runtime.process.kind = "command"


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Act], None]:
    """Do something in each pause of the step instead of waiting; it is told the number of the pause."""

    def instead(act: Act) -> None:
        numbers = iter(range(100))
        monkeypatch.setattr(canary.time, "sleep", lambda seconds: act(next(numbers)))

    return instead


@pytest.fixture
def younger(tried: Acme) -> RuntimeProcess:
    """A process that is chosen before this one."""
    other = RuntimeProcess.objects.get(pid=7)
    started = timezone.now() + timedelta(days=1)
    return RuntimeProcess.objects.create(
        host=other.host, pid=9, kind="web", figures=other.figures, started_at=started, seen_at=other.seen_at
    )
