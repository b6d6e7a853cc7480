"""A plugin's storage and its quota, which holds to the byte whoever writes at the same moment."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from gridkit_django.exceptions import PluginError, PluginLimitError, StorageQuotaError
from gridkit_django.models import InstalledPlugin, PluginStorageItem, PluginStorageUsage, PluginVersion
from gridkit_django.plugins.quota import StorageCounter
from gridkit_django.plugins.savepoints import database
from gridkit_django.plugins.storage import DatabaseStorage

ON_SQLITE = django_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
ALIAS = "race"
QUOTA = 1_000_000
TABLES = (InstalledPlugin, PluginVersion, PluginStorageItem, PluginStorageUsage)

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


class ToFile:
    """A router that sends everything to the database that threads can share."""

    def db_for_read(self, model: object, **_hints: object) -> str:
        return ALIAS

    def db_for_write(self, model: object, **_hints: object) -> str:
        return ALIAS


@pytest.fixture
def storage(db: None) -> DatabaseStorage:
    InstalledPlugin.objects.create(plugin_id="hoarder", source="object", source_ref="x")
    return DatabaseStorage("hoarder", 1)


@pytest.fixture(params=["DEFERRED", "IMMEDIATE"] if ON_SQLITE else ["READ COMMITTED"])
def shared(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> Iterator[DatabaseStorage]:
    """A storage in a database that threads can share."""
    with _file_database(request, tmp_path, settings) if ON_SQLITE else nullcontext():
        InstalledPlugin.objects.using(database()).create(plugin_id="hoarder", source="object", source_ref="x")
        yield DatabaseStorage("hoarder", 1)


@contextmanager
def _file_database(request: pytest.FixtureRequest, folder: Path, settings: Any) -> Iterator[None]:
    """Add a database in a file: threads can't write to one in memory at the same time."""
    options = {"transaction_mode": request.param, "timeout": 30}
    connections.databases[ALIAS] = {**connection.settings_dict, "NAME": str(folder / "race.db"), "OPTIONS": options}
    settings.DATABASE_ROUTERS = [ToFile()]
    blocker: DjangoDbBlocker = request.getfixturevalue("django_db_blocker")
    with blocker.unblock():
        with connections[ALIAS].schema_editor() as editor:
            for model in TABLES:
                editor.create_model(model)
        yield
        connections[ALIAS].close()
    del connections[ALIAS]
    del connections.databases[ALIAS]


def together(threads: int, act: Callable[[int], str]) -> Counter[str]:
    """Let threads act at the same moment; count what became of each."""
    barrier = Barrier(threads)

    def one(number: int) -> str:
        barrier.wait(timeout=30)
        try:
            return act(number)
        except StorageQuotaError:
            return "refused"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(one, range(threads)))


def added_up() -> int:
    items = PluginStorageItem.objects.using(database())
    total: int = items.aggregate(total=Sum("size"))["total"] or 0
    really = sum(len(item.key) + len(json.dumps(item.value)) for item in items.all())
    assert total == really
    return total


def test_writers_at_the_same_moment_fill_the_quota_to_the_byte_and_not_beyond(shared: DatabaseStorage) -> None:
    def write(number: int) -> str:
        shared.set(f"{number:02}", "x" * (QUOTA // 10 - 4))
        return "stored"

    assert together(16, write) == {"stored": 10, "refused": 6}
    assert shared.used_bytes() == added_up() == QUOTA


def test_counter_equals_the_items_after_many_writers_of_the_same_keys(shared: DatabaseStorage) -> None:
    in_transactions = not ON_SQLITE or connections[ALIAS].transaction_mode == "IMMEDIATE"

    def scramble(number: int) -> str:
        dice = random.Random(number)
        for _ in range(8):
            _one_act(shared, dice, in_transaction=in_transactions and dice.random() < 0.4)
            assert shared.used_bytes() <= QUOTA
        return "done"

    together(8, scramble)
    assert shared.used_bytes() == added_up()


def _one_act(storage: DatabaseStorage, dice: random.Random, *, in_transaction: bool) -> None:
    """Do one thing to the storage; inside a transaction that is rolled back half the time, or by itself."""
    key, size = f"k{dice.randrange(4)}", dice.choice([10, 10, 1000, 300_000, 600_000])
    act = dice.choice([lambda: storage.set(key, "x" * size)] * 6 + [lambda: storage.delete(key), storage.clear])
    try:
        with transaction.atomic(using=database()) if in_transaction else nullcontext():
            act()
            if in_transaction and dice.random() < 0.5:
                transaction.set_rollback(True, using=database())
    except StorageQuotaError:
        return


def test_value_of_the_same_size_leaves_the_counter_alone(storage: DatabaseStorage) -> None:
    storage.set("k", "one")
    with CaptureQueriesContext(connection) as queries:
        storage.set("k", "two")
    assert storage.get("k") == "two"
    touched = [query["sql"].split()[0] for query in queries.captured_queries if "gridkit_django_" in query["sql"]]
    assert touched == ["SELECT", "UPDATE"]
    assert not any('UPDATE "gridkit_django_pluginstorageusage"' in query["sql"] for query in queries.captured_queries)


def test_counter_moves_by_what_is_true_and_not_by_what_was_guessed(storage: DatabaseStorage) -> None:
    storage.set("k", "x" * 499_997)
    owner, counter = InstalledPlugin.objects.get().pk, StorageCounter("hoarder", QUOTA)
    assert storage.used_bytes() == 500_000
    for guess in (0, 100, 600_000, -50):
        with transaction.atomic():
            counter.charge(owner, guess, lambda: 100)
    assert storage.used_bytes() == 500_400
    for guess in (0, 100, 600_000):
        with pytest.raises(StorageQuotaError), transaction.atomic():
            counter.charge(owner, guess, lambda: 499_601)
    with transaction.atomic():
        counter.charge(owner, 1, lambda: 499_600)
    assert storage.used_bytes() == QUOTA


def test_storage_over_a_quota_that_was_lowered_may_still_shrink(storage: DatabaseStorage) -> None:
    storage.set("k", "x" * 900_000)
    strict = DatabaseStorage("hoarder", 0)
    strict.set("k", "x" * 800_000)
    with pytest.raises(StorageQuotaError):
        strict.set("k", "x" * 800_001)
    assert (strict.delete("k"), strict.used_bytes(), added_up()) == (True, 0, 0)


def test_value_whose_size_another_changed_meanwhile_is_not_taken_for_the_same(
    storage: DatabaseStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.set("k", "one")
    found = storage._find("k")
    storage.set("k", "three")
    monkeypatch.setattr(storage, "_find", lambda key: found)
    storage.set("k", "two")
    assert (storage.get("k"), storage.used_bytes()) == ("two", added_up())


def test_transaction_that_is_rolled_back_gives_its_bytes_back(storage: DatabaseStorage) -> None:
    storage.set("kept", 1)
    with transaction.atomic():
        storage.set("lost", "x" * 500_000)
        storage.delete("kept")
        transaction.set_rollback(True)
    assert storage.keys() == ["kept"]
    assert storage.used_bytes() == added_up() == len("kept1")


def test_counter_that_is_missing_is_made_from_the_items(storage: DatabaseStorage) -> None:
    storage.set("a", 1)
    PluginStorageUsage.objects.all().delete()
    storage.set("b", 22)
    assert storage.used_bytes() == added_up() == len("a1b22")
    PluginStorageUsage.objects.all().delete()
    assert storage.clear() == 2
    assert storage.used_bytes() == added_up() == 0


def test_value_over_its_limit_is_refused_and_one_of_its_very_size_is_stored(
    storage: DatabaseStorage, settings: Any
) -> None:
    settings.GRIDKIT = {"VALUE_BYTES_MAX": 10}
    storage.set("k", "éééé")
    assert storage.used_bytes() == len("k") + 10
    with pytest.raises(PluginLimitError, match="11 bytes; 10 are the most"):
        storage.set("k", "ééééx")
    assert storage.get("k") == "éééé"


@pytest.mark.parametrize("value", [None, False, "", {}, r"a \u0000 in words", "\\\\u0000", "😀"])
def test_value_comes_back_as_it_was(storage: DatabaseStorage, value: Any) -> None:
    for _ in range(2):
        storage.set("k", value)
        assert (storage.get("k"), storage.keys()) == (value, ["k"])


@pytest.mark.parametrize("value", ["\x00", "\\\x00", {"a\x00": 1}, "\ud800", float("inf")])
def test_value_that_a_database_could_not_keep_is_refused(storage: DatabaseStorage, value: Any) -> None:
    with pytest.raises(PluginError):
        storage.set("k", value)
    assert storage.keys() == []


def test_delete_of_what_another_deleted_meanwhile_changes_nothing(storage: DatabaseStorage) -> None:
    storage.set("k", 1)
    storage.set("other", 2)
    owner = InstalledPlugin.objects.get().pk
    with transaction.atomic():
        StorageCounter("hoarder", QUOTA).charge(owner, -2, lambda: 0)
    assert storage.used_bytes() == added_up()
    assert (storage.delete("k"), storage.delete("k")) == (True, False)
