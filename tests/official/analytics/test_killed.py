"""A worker that is killed in the middle: vendors get the rest, with the ids that fold doubles; counts stay exact."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from gridkit_django.models import OutboxChannel
from gridkit_django.plugins import PluginManager
from gridkit_plugins.analytics.store import CountStore
from tests.official.analytics.conftest import LOCAL, PLUGIN, keys, tell
from tests.official.analytics.vendors.segment import Segment
from tests.official.analytics.vendors.server import Reply, Request, Vendor
from tests.servers.processes import ROOT, unmeasured_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases, pytest.mark.postgres_only]

Install = Callable[..., None]


class Killing(Segment):
    """Takes a batch, and kills the worker that sent it before it hears so."""

    def __init__(self) -> None:
        super().__init__()
        self.worker: subprocess.Popen[bytes] | None = None

    def configured(self, **more: Any) -> dict[str, Any]:
        return {"provider": "segment", "api_key": "key-of-the-project", "segment": {"host": self.url}, **more}

    def judge(self, request: Request) -> Reply:
        reply = super().judge(request)
        if self.worker is not None and len(self.requests) == 2:
            os.kill(self.worker.pid, signal.SIGKILL)
        return reply


def worker(channel: str) -> subprocess.Popen[bytes]:
    database = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
    env = {
        **unmeasured_environment(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "KILLED_DATABASE": json.dumps(database),
        "KILLED_GRIDKIT": json.dumps(LOCAL),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.official.analytics.killed_worker", channel], cwd=ROOT, env=env
    )


def test_worker_that_is_killed_in_mid_batch_loses_nothing_and_doubles_only_what_the_id_folds(
    install: Install, serve: Callable[[Vendor], Vendor], manager: PluginManager
) -> None:
    vendor = serve(Killing())
    assert isinstance(vendor, Killing)
    install(vendor)
    told = [tell("row:select", {"rowId": str(number)}).id for number in range(12)]
    with worker("segment") as vendor.worker:
        assert vendor.worker.wait(120) == -signal.SIGKILL
    vendor.worker = None
    assert keys("segment") == told[5:]
    OutboxChannel.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    while manager.send_outbox(PLUGIN, "segment", 30):
        pass

    assert list(vendor.accepted) == told
    assert vendor.doubles == told[5:10]
    assert keys("segment") == []


def test_worker_that_is_killed_while_it_counts_counts_nothing_twice(install: Install, manager: PluginManager) -> None:
    install()
    told = [tell("row:select", {"rowId": str(number)}) for number in range(12)]
    with worker("counts") as dying:
        assert dying.wait(120) == -signal.SIGKILL
    assert len(keys("counts")) == len(told)
    OutboxChannel.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    manager.send_outbox(PLUGIN, "counts", 30)

    store = CountStore(manager.runtime.live[PLUGIN].plugin.context)
    days = store.days(timezone.localdate() - timedelta(days=1), timezone.localdate())
    assert [day["events"]["row:select"]["n"] for _, _, day in days] == [len(told)]
