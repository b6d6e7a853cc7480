"""Strict mode on tables with partitions: each part has triggers of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.db import connection

from gridkit_django.audit.policies import audit_policies
from gridkit_django.audit.triggers import Triggers
from tests.audit.strict_trail import OWNER, Trail, execute, follow, policy
from tests.museum.models import Key

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


@pytest.fixture
def divided() -> Trail:
    """Keys in partitions by their labels, in place of their table."""
    execute("ALTER TABLE museum_key RENAME TO whole_keys")
    execute("CREATE TABLE museum_key (id uuid NOT NULL, label varchar(20) NOT NULL) PARTITION BY LIST (label)")
    execute("CREATE TABLE museum_key_a PARTITION OF museum_key FOR VALUES IN ('a')")
    execute("CREATE TABLE museum_key_rest PARTITION OF museum_key DEFAULT")
    follow(policy(Key))
    return Trail()


def test_statements_on_a_partition_and_on_the_whole_table_are_recorded_once(divided: Trail) -> None:
    key = Key.objects.create(label="a").pk
    assert divided() == [("row.create", "museum.key", str(key), {"label": [None, "a"]})]
    other = uuid.uuid4()
    execute("INSERT INTO museum_key_a VALUES (%s, 'a')", other)
    assert divided() == [("row.create", "museum.key", str(other), {"label": [None, "a"]})]
    Key.objects.filter(pk=key).update(label="b")
    assert divided() == [("row.update", "museum.key", str(key), {"label": ["a", "b"]})], "it went to another partition"
    execute("UPDATE museum_key_rest SET label = 'c'")
    assert divided() == [("row.update", "museum.key", str(key), {"label": ["b", "c"]})]
    execute("DELETE FROM museum_key_rest")
    assert divided() == [("row.delete", "museum.key", str(key), {"label": ["c", None]})]


def test_truncated_partition_tells_of_its_rows_only_and_the_whole_table_of_each_row_once(divided: Trail) -> None:
    made = {label: str(Key.objects.create(label=label).pk) for label in "abc"}
    divided()
    execute("TRUNCATE museum_key_a")
    assert divided() == [("row.delete", "museum.key", made["a"], {"label": ["a", None]})]
    Key.objects.create(label="a")
    divided()
    execute("TRUNCATE museum_key")
    assert sorted(changes["label"][0] for _, _, _, changes in divided()) == ["a", "b", "c"]


def test_partition_without_triggers_and_one_that_left_are_drift(divided: Trail) -> None:
    triggers = Triggers(connection, audit_policies().table)
    assert triggers.drift() == []
    execute("CREATE TABLE museum_key_z PARTITION OF museum_key FOR VALUES IN ('z')")
    execute("ALTER TABLE museum_key DETACH PARTITION museum_key_a")
    assert {(item.table, item.fault.split(",")[0]) for item in triggers.drift()} == {
        ("museum_key_z", "has a function"), ("museum_key_a", "is there")
    }  # fmt: skip
    assert len(triggers.drift()) == 8
    triggers.install()
    assert triggers.drift() == []
    execute("INSERT INTO museum_key_z VALUES (%s, 'z')", uuid.uuid4())
    execute("INSERT INTO museum_key_a VALUES (%s, 'a')", uuid.uuid4())
    assert [changes for _, _, _, changes in divided()] == [{"label": [None, "z"]}]
    triggers.remove()
    assert triggers.removal() == []
