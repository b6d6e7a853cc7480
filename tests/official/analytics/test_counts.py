"""The site's own counts: added up exactly once, bounded, and told to whom may see them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from gridkit_django.exceptions import StorageQuotaError
from gridkit_django.models import OutboxMessage
from gridkit_django.plugins import PluginManager
from gridkit_plugins.analytics import counting
from gridkit_plugins.analytics.distinct import EXACT_MAX, estimate, joined, sketch_of
from gridkit_plugins.analytics.store import CountStore
from tests.exports.shop import person
from tests.official.analytics.conftest import GRID, PLUGIN, tell

pytestmark = pytest.mark.django_db

Install = Callable[..., None]


def users(first: int, last: int) -> list[str]:
    return [sha256(str(number).encode()).hexdigest() for number in range(first, last)]


@pytest.fixture
def store(install: Install, manager: PluginManager) -> CountStore:
    install()
    return CountStore(manager.runtime.live[PLUGIN].plugin.context)


def count(manager: PluginManager) -> None:
    assert manager.send_outbox(PLUGIN, "counts", 30) is False


def today(store: CountStore) -> dict[str, Any]:
    ((_, grid, found),) = store.days(timezone.localdate(), timezone.localdate())
    assert grid == GRID
    return found


@pytest.mark.both_databases
def test_events_are_counted_by_column_and_by_user(store: CountStore, manager: PluginManager):
    eva, bob = User.objects.create(username="eva"), User.objects.create(username="bob")
    for user in (eva, eva, bob):
        tell(
            "sort:change",
            {"sort": [{"col": "stock", "dir": "asc"}, {"col": "name", "dir": "asc"}], "ms": 90},
            user=user,
        )
    count(manager)
    tell("sort:change", {"sort": [{"col": "stock", "dir": "asc"}], "ms": 3000}, user=bob)
    count(manager)

    sorts = today(store)["events"]["sort:change"]
    assert (sorts["n"], estimate(sorts["users"])) == (4, 2)
    told = {name: (entry["n"], estimate(entry["users"])) for name, entry in sorts["columns"].items()}
    assert told == {"stock": (4, 2), "name": (3, 2)}
    assert today(store)["waits"] == [3, 0, 0, 0, 0, 1, 0, 0]
    assert today(store)["slow"] == [{"ms": 3000, "type": "sort:change", "columns": ["stock"]}]
    assert str(eva.pk) != sorts["users"]


@pytest.mark.both_databases
def test_counts_that_fail_to_be_stored_stay_messages(
    store: CountStore, manager: PluginManager, monkeypatch: pytest.MonkeyPatch
):
    tell("row:select", {"rowId": "1"})
    with monkeypatch.context() as broken:
        broken.setattr(CountStore, "_add", lambda *_args: 1 / 0)
        broken.setattr("gridkit_django.outbox.sending._Turn._split", lambda *_args, **_more: None)
        manager.send_outbox(PLUGIN, "counts", 0.2)
    assert OutboxMessage.objects.filter(channel="counts").count() == 1
    count(manager)
    assert today(store)["events"]["row:select"]["n"] == 1


def test_days_that_are_too_old_are_let_go(store: CountStore, manager: PluginManager):
    storage = manager.runtime.live[PLUGIN].plugin.context.storage
    old, kept = timezone.localdate() - timedelta(days=91), timezone.localdate() - timedelta(days=90)
    for day in (old, kept):
        storage.set(f"day/{day.isoformat()}/{GRID}", {})
    tell("row:select", {"rowId": "1"})
    count(manager)

    assert [day for day, _, _ in store.days(old, timezone.localdate())] == [kept, timezone.localdate()]


def test_oldest_day_makes_room_when_the_storage_is_full(
    store: CountStore, manager: PluginManager, monkeypatch: pytest.MonkeyPatch
):
    storage = manager.runtime.live[PLUGIN].plugin.context.storage
    yesterday = timezone.localdate() - timedelta(days=1)
    storage.set(f"day/{yesterday.isoformat()}/{GRID}", {})
    write = type(storage).set

    def full(self: Any, key: str, value: Any) -> None:
        if self.keys(f"day/{yesterday.isoformat()}"):
            raise StorageQuotaError("full")
        write(self, key, value)

    monkeypatch.setattr(type(storage), "set", full)
    tell("row:select", {"rowId": "1"})
    count(manager)
    assert [day for day, _, _ in store.days(yesterday, timezone.localdate())] == [timezone.localdate()]
    monkeypatch.setattr(type(storage), "set", lambda *_args: (_ for _ in ()).throw(StorageQuotaError("full")))
    tell("row:select", {"rowId": "1"})
    count(manager)
    assert today(store)["events"]["row:select"]["n"] == 1


def test_columns_that_are_counted_apart_are_bounded():
    counts = [
        {"day": "2026-05-17", "grid": GRID, "type": "sort:change", "columns": [f"c{n}"], "user": "", "ms": None}
        for n in range(counting.COLUMNS_MAX + 50)
    ]
    day = counting.joined_days({}, counting.days_of(counts)["2026-05-17", GRID])
    assert len(day["events"]["sort:change"]["columns"]) == counting.COLUMNS_MAX
    assert day["events"]["sort:change"]["n"] == counting.COLUMNS_MAX + 50


def test_few_users_are_counted_exactly_and_many_to_within_the_error_that_is_told():
    assert estimate(sketch_of([])) == 0
    assert estimate(sketch_of(users(0, EXACT_MAX))) == EXACT_MAX
    for number in (100, 1000, 20_000):
        assert estimate(sketch_of(users(0, number))) == pytest.approx(number, rel=0.15)
    assert len(sketch_of(users(0, 20_000))) == 513


def test_sketches_join_to_that_of_everybody_in_them():
    parts = [sketch_of(users(start, start + size)) for start, size in ((0, 20), (10, 20), (15, 2000), (500, 100))]
    assert joined(*parts) == sketch_of(users(0, 2015))
    assert joined(parts[0], "", parts[1]) == sketch_of(users(0, 30))
    assert joined() == ""


def report(manager: PluginManager, user: User, **more: Any) -> dict[str, Any]:
    days = {"since": timezone.localdate() - timedelta(days=1), "until": timezone.localdate(), **more}
    parts = manager.run_report(PLUGIN, "usage", user=user, **days).parts
    return {getattr(part, "title", "text"): part for part in parts}


def test_report_tells_columns_users_and_slow_questions(store: CountStore, manager: PluginManager):
    eva = person("eva", "gridkit_django.open_grid")
    for ms in (50, 4000):
        tell("sort:change", {"sort": [{"col": "stock", "dir": "asc"}], "ms": ms}, user=eva)
    tell("sort:change", {"sort": [{"col": "price", "dir": "asc"}], "ms": 2000}, user=eva)
    tell("cell:edit", {"rowId": "1", "column": "name", "old": "a", "new": "b"}, user=eva)
    count(manager)

    found = report(manager, eva)
    lines = {
        title: [(p.label, p.value, p.note) for p in part.points]
        for title, part in found.items()
        if "points" in dir(part)
    }
    assert lines["Columns that are sorted by"] == [("Stock", 2, "1")]  # not the price: she may not see it
    assert lines["Columns that are edited"] == [("Name", 1, "1")]
    assert lines["What people do"] == [("Table Sort Changed", 3, "1"), ("Table Cell Edited", 1, "1")]
    assert [value for _, value, _ in lines["Events a day"]] == [0, 4]
    slow = found["The slowest questions (from 1 s on)"].rows
    assert slow == [["Products", "Table Sort Changed", "Stock", "4 s"], ["Products", "Table Sort Changed", None, "2 s"]]
    assert report(manager, eva, grid=GRID)["Columns that are sorted by"].points[0].label == "Stock"


def test_report_without_counts_says_so_and_nobody_sees_a_grid_that_is_not_his(
    store: CountStore, manager: PluginManager
):
    tell("row:select", {"rowId": "1"})
    count(manager)
    assert report(manager, User.objects.create(username="kim"))["text"].text == "Nothing was counted in this time."
    eva = person("eva", "gridkit_django.open_grid")
    long_ago = {"since": date(2020, 1, 1), "until": date(2020, 1, 2)}
    assert report(manager, eva, **long_ago)["text"].text == "Nothing was counted in this time."
