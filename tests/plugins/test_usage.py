"""Usage: what each process adds up and stores, and what is read over all of them."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from gridkit_django.events import GridEvent, event_bus, make_event
from gridkit_django.exceptions import PluginNotFoundError
from gridkit_django.models import InstalledPlugin, PluginPermissionGrant, PluginUsageRecord
from gridkit_django.plugins import MethodCall, Plugin, PluginContext, PluginManager, handles
from gridkit_django.plugins.histogram import Histogram
from gridkit_django.plugins.permission_use import PermissionUse, store_uses
from gridkit_django.plugins.usage import UsageRecorder
from tests.plugins.samples import Listener, metadata, write_plugin
from tests.servers.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

HANDLER = "row:update after Counter.work"


class Counter(Plugin):
    """Does what the event says."""

    metadata = metadata(
        "counter", required_permissions=["events:subscribe", "storage:use", "methods:register", "messages:receive"]
    )

    def initialize(self, context: PluginContext) -> None:
        context.register_method("count", lambda call: 1, schema={}, label="Count")
        context.on_message(lambda sender, message: None)

    @handles("row:update")
    def work(self, event: GridEvent) -> None:
        if event.payload.get("fail"):
            raise ValueError("no")
        if event.payload.get("store"):
            self.context.storage.set("k", 1)


@pytest.fixture
def counter(manager: PluginManager) -> Iterator[PluginManager]:
    manager.install_plugin(Counter)
    yield manager
    manager.runtime.catalog.remove_object("counter")


@pytest.fixture
def recorder(counter: PluginManager) -> UsageRecorder:
    """The recorder of this process, with nothing to store from before."""
    found = counter._usage
    found.store()
    PluginUsageRecord.objects.all().delete()
    PluginPermissionGrant.objects.update(use_count=0, last_used_at=None)
    found._sums.clear()
    return found


def update(times: int = 1, **payload: Any) -> None:
    for _ in range(times):
        event_bus().emit(make_event("row:update", {"rowId": "1", **payload}, grid="plugin-orders"))


def counts() -> dict[str, tuple[int, int]]:
    return {row.name: (row.calls, row.errors) for row in PluginUsageRecord.objects.all()}


def uses() -> dict[str, int]:
    return dict(PluginPermissionGrant.objects.filter(use_count__gt=0).values_list("permission", "use_count"))


@pytest.mark.both_databases
def test_sums_of_the_hour_are_stored_and_stored_again(recorder: UsageRecorder) -> None:
    update(3)
    update(fail=True)
    recorder.store()
    assert counts() == {HANDLER: (4, 1)}
    update(2)
    recorder.store()
    recorder.store()
    row = PluginUsageRecord.objects.get()
    assert (row.calls, row.errors, len(Histogram.from_dict(row.histogram))) == (6, 1, 6)
    assert row.hour == timezone.now().replace(minute=0, second=0, microsecond=0)
    assert 0 < row.cpu_ms <= row.wall_ms * 1.5
    assert row.process.split(":")[1].isdigit()


def test_chore_stores_once_in_a_heartbeat(counter: PluginManager, recorder: UsageRecorder, settings: Any) -> None:
    update()
    recorder.record()
    assert counts() == {}
    settings.GRIDKIT = {"HEARTBEAT_SECONDS": 1}
    recorder._stored_at -= 1
    counter.runtime.housekeeping()
    assert counts() == {HANDLER: (1, 0)}


def test_calls_of_an_object_that_ended_are_stored(counter: PluginManager, recorder: UsageRecorder) -> None:
    update(2)
    counter.configure_plugin("counter", {})
    update(3)
    counter.deactivate_plugin("counter")
    recorder.store()
    assert counts() == {HANDLER: (5, 0)}
    recorder.store()
    assert recorder._known == {}


def test_nothing_keeps_an_object_that_ended_alive(manager: PluginManager, root: Path, recorder: UsageRecorder) -> None:
    write_plugin(root)
    manager.install_plugin("sample")
    ended = []
    for _ in range(3):
        live = manager.runtime.live["sample"]
        ended += [weakref.ref(live), weakref.ref(live.plugin)]
        del live
        manager.check_plugin_health("sample")
        recorder.store()
        manager.reload_plugin("sample")
    manager.uninstall_plugin("sample")
    manager._leftovers.look()
    gc.collect()
    assert [kept() for kept in ended] == [None] * 6


def test_new_hour_begins_a_row_of_its_own(recorder: UsageRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    update()
    recorder.store()
    later = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr("gridkit_django.plugins.usage.datetime", type("Later", (), {"now": lambda zone: later}))
    update(2)
    recorder.store()
    rows = PluginUsageRecord.objects.order_by("hour").values_list("calls", flat=True)
    assert list(rows) == [1, 2]
    assert {key.hour.hour for key in recorder._sums} == {later.hour}


@pytest.mark.both_databases
def test_what_could_not_be_stored_is_stored_with_the_next(
    recorder: UsageRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_uses: object) -> None:
        raise ConnectionError("gone")

    update(store=True)
    with monkeypatch.context() as patch:
        patch.setattr("gridkit_django.plugins.usage.store_uses", refuse)
        with pytest.raises(ConnectionError):
            recorder.store()
    assert (counts(), uses()) == ({}, {})
    update(store=True)
    recorder.store()
    assert counts() == {HANDLER: (2, 0)}
    assert uses() == {"events:subscribe": 2, "storage:use": 2}


@pytest.mark.both_databases
def test_plugin_comes_and_goes_while_usage_is_stored(
    counter: PluginManager, recorder: UsageRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act_meanwhile(_uses: object) -> None:
        live = counter.runtime.live["counter"]
        other = threading.Thread(target=lambda: (recorder.noticed("counter", None), recorder.noticed("counter", live)))
        other.start()
        other.join(10)
        waited.append(other.is_alive())
        update()

    waited: list[bool] = []
    update()
    with monkeypatch.context() as patch:
        patch.setattr("gridkit_django.plugins.usage.store_uses", act_meanwhile)
        recorder.store()
    assert (waited, counts()) == ([False], {HANDLER: (1, 0)})
    recorder.store()
    assert counts() == {HANDLER: (2, 0)}


@pytest.mark.both_databases
def test_plugin_that_was_uninstalled_is_left_out(counter: PluginManager, recorder: UsageRecorder) -> None:
    update()
    counter.uninstall_plugin("counter")
    recorder.store()
    assert counts() == {}
    assert recorder._new == set()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None


@pytest.mark.postgres_only
@pytest.mark.both_databases
def test_storing_holds_nothing_that_an_uninstalling_waits_for(counter: PluginManager, recorder: UsageRecorder) -> None:
    def store() -> None:
        with closing(connection):
            recorder.store()

    update(store=True)
    recorder.store()
    update(store=True)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            plugin = InstalledPlugin.objects.select_for_update().get(plugin_id="counter")
            PluginPermissionGrant.objects.filter(plugin=plugin).delete()
            storing = pool.submit(store)
            wait_until(_somebody_waits, "the other to wait for the plugin")
            PluginUsageRecord.objects.filter(plugin=plugin).delete()
        storing.result(30)

    assert counts()[HANDLER] == (2, 0)


def test_forked_child_counts_from_zero(counter: PluginManager, recorder: UsageRecorder) -> None:
    update(store=True)
    counter.after_fork()
    update(2)
    recorder.store()
    assert counts() == {HANDLER: (2, 0)}
    assert uses() == {"events:subscribe": 2, "methods:register": 1, "messages:receive": 1}


@pytest.mark.both_databases
def test_two_processes_have_rows_of_their_own(counter: PluginManager, recorder: UsageRecorder) -> None:
    update()
    recorder.store()
    other = UsageRecorder(counter.runtime)
    other._born += 1
    other.noticed("counter", counter.runtime.live["counter"])
    update(2)
    other.store()
    assert PluginUsageRecord.objects.count() == 2
    assert counter.usage_report("counter").total.calls == 3


def test_uses_of_permissions_are_counted_where_they_happen(counter: PluginManager, recorder: UsageRecorder) -> None:
    update(3, store=True)
    counter.runtime.methods.call(MethodCall("plugin-orders", "count", {}, None, _anybody(), None))
    counter.install_plugin(Listener)
    counter.runtime.live["listener"].plugin.context.send_message("counter", 1)
    recorder.store()
    rows = PluginPermissionGrant.objects.filter(plugin__plugin_id="counter", use_count__gt=0)
    assert dict(rows.values_list("permission", "use_count")) == {
        "events:subscribe": 3,
        "storage:use": 3,
        "methods:register": 1,
        "messages:receive": 1,
    }
    assert all(timezone.now() - used < timedelta(minutes=1) for used in rows.values_list("last_used_at", flat=True))


def test_use_counts_for_the_narrowest_grant_and_for_none_that_was_revoked(counter: PluginManager) -> None:
    row = InstalledPlugin.objects.get()
    decisions = {"*": "granted", "storage:*": "granted", "storage:use": "revoked", "events:*": "requested"}
    row.grants.all().delete()
    for permission, decision in decisions.items():
        PluginPermissionGrant.objects.create(plugin=row, permission=permission, decision=decision)
    use = PermissionUse()
    use.add("counter", "storage:use", 2)
    use.add("counter", "events:emit")
    use.add("counter", "state:read")
    use.add("nobody", "state:read")
    store_uses(use.take())
    assert uses() == {"storage:*": 2, "*": 2}
    assert use.take() == {}


def test_uses_that_were_put_back_are_added_to_new_ones() -> None:
    use = PermissionUse()
    use.add("p", "state:read", 2)
    taken = use.take()
    use.add("p", "state:read", 3)
    use.put_back({**taken, ("p", "state:write"): taken[("p", "state:read")]})
    use.add("p", "state:write")
    assert {key[1]: found.count for key, found in use.take().items()} == {"state:read": 5, "state:write": 3}


@pytest.mark.both_databases
def test_storing_uses_is_no_decision(counter: PluginManager, recorder: UsageRecorder) -> None:
    before = PluginPermissionGrant.objects.get(permission="storage:use").decided_at
    generation = counter.runtime.generations.current()
    update(store=True)
    recorder.store()
    assert PluginPermissionGrant.objects.get(permission="storage:use").decided_at == before
    assert counter.runtime.generations.current() == generation


def test_heap_is_stored_for_the_plugin_as_a_whole(counter: PluginManager, recorder: UsageRecorder) -> None:
    heap = counter.runtime.heaps.measure(counter.runtime.live["counter"])
    recorder.store()
    row = PluginUsageRecord.objects.get()
    assert (row.name, row.calls, row.heap_bytes) == ("", 0, heap.size)
    recorder.store()
    assert counter.usage_report("counter").heap_bytes == heap.size


def record(name: str, hours_ago: int, **values: Any) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    row = InstalledPlugin.objects.get(plugin_id="counter")
    number = PluginUsageRecord.objects.count()
    PluginUsageRecord.objects.create(plugin=row, name=name, hour=hour, process=f"h:{number}", **values)


def histogram(*milliseconds: float) -> dict[str, int]:
    found = Histogram()
    for duration in milliseconds:
        found.add(int(duration * 1e6))
    return found.as_dict()


@pytest.mark.both_databases
def test_report_adds_up_handlers_and_hours_over_all_processes(recorder: UsageRecorder, counter: PluginManager) -> None:
    record("a", 2, calls=3, errors=1, slow=1, skipped=2, wall_ms=6, cpu_ms=4, histogram=histogram(1, 1, 1))
    record("a", 1, calls=2, wall_ms=20, cpu_ms=1, histogram=histogram(10, 10))
    record("a", 1, calls=5, wall_ms=50, cpu_ms=2, histogram=histogram(*[10] * 5))
    record("b", 1, calls=1, errors=1, wall_ms=100, cpu_ms=90, histogram=histogram(100))
    record("", 1, heap_bytes=7)
    record("", 1, heap_bytes=9)
    record("", 2, heap_bytes=11)
    record("old", 24 * 8, calls=1)
    counter.runtime.live["counter"].plugin.context.storage.set("k", 1)
    report = counter.usage_report("counter")
    assert [item.name for item in report.handlers] == ["b", "a"]
    a = report.handlers[1]
    assert (a.calls, a.errors, a.slow, a.skipped, a.wall_ms, a.cpu_ms) == (10, 1, 1, 2, 76, 7)
    assert (a.p50_ms, a.p95_ms) == (pytest.approx(10, rel=0.1), pytest.approx(10, rel=0.1))
    assert (report.total.name, report.total.calls, report.total.errors) == ("", 11, 2)
    assert report.total.p95_ms == pytest.approx(100, rel=0.1)
    assert [(hour.calls, hour.errors, hour.cpu_ms, hour.heap_bytes) for hour in report.hours] == [
        (3, 1, 4, 11),
        (8, 1, 93, 9),
    ]
    assert (report.heap_bytes, report.storage_bytes) == (9, len("k1"))
    assert counter.usage_report("counter", days=9).total.calls == 12


def test_report_of_a_plugin_that_did_nothing_is_empty(recorder: UsageRecorder, counter: PluginManager) -> None:
    report = counter.usage_report("counter")
    assert (report.handlers, report.hours, report.heap_bytes, report.total.p95_ms) == ((), (), None, 0.0)
    with pytest.raises(PluginNotFoundError):
        counter.usage_report("nobody")


def test_usage_of_this_process_tells_heap_slow_and_skipped_calls(counter: PluginManager) -> None:
    update(2)
    usage = counter.usage_of("counter").usage
    assert usage is not None
    assert usage.heap_bytes == counter.runtime.heaps.last(counter.runtime.live["counter"]).size  # type: ignore[union-attr]
    assert (usage.calls, usage.slow, usage.skipped) == (2, 0, 0)
    assert counter.runtime.live["counter"].plugin.context.get_resource_usage().calls == 2


def _anybody() -> Any:
    return make_event("row:update", {"rowId": "1"}, grid="plugin-orders").actor
