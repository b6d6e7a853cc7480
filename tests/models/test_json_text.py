"""JSON that PostgreSQL keeps as text is asked by conditions as any other."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from django.apps import apps
from django.db import DataError, connection, transaction
from django.db.models.fields.json import KT

from gridkit_django.audit.rows import RecordRows
from gridkit_django.models import AuditOperation, AuditRecord

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

CHANGES: tuple[dict[str, Any], ...] = (
    {"price": ["9.90", "10.90"], "count": [0, 1]},
    {"title": [None, 'é "quoted"'], "nested": [{"a": [1.5, None]}, True]},
    {},
)


@pytest.fixture(autouse=True)
def records() -> list[AuditRecord]:
    act = AuditOperation.objects.create(source="orm")
    return [AuditRecord.objects.create(operation=act, action=str(at), changes=item) for at, item in enumerate(CHANGES)]


def found(**values: Any) -> list[str]:
    return sorted(AuditRecord.objects.filter(**values).values_list("action", flat=True))


def test_what_was_written_is_read_back_by_the_model_by_values_and_by_a_key() -> None:
    in_order = AuditRecord.objects.order_by("pk")
    assert tuple(row.changes for row in in_order) == CHANGES
    assert tuple(in_order.values_list("changes", flat=True)) == CHANGES
    assert list(in_order.values_list("changes__count", flat=True)) == [[0, 1], None, None]
    assert in_order.annotate(new=KT("changes__price__1")).first().new == "10.90"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"changes__has_key": "price"}, ["0"]),
        ({"changes__has_any_keys": ["title", "price"]}, ["0", "1"]),
        ({"changes__has_keys": ["count", "price"]}, ["0"]),
        ({"changes__price__1": "10.90"}, ["0"]),
        ({"changes__count__1__gte": 1}, ["0"]),
        ({"changes__nested__0__a__0": 1.5}, ["1"]),
        ({"changes__title__1__icontains": "QUOTED"}, ["1"]),
        ({"changes": {}}, ["2"]),
        ({"changes__in": [{}, CHANGES[0]]}, ["0", "2"]),
        ({"changes__isnull": False}, ["0", "1", "2"]),
        ({"changes__title__isnull": True}, ["0", "2"]),
    ],
)
def test_condition_on_it_finds_what_it_would_find_in_any_json(condition: dict[str, Any], expected: list[str]) -> None:
    assert found(**condition) == expected


@pytest.mark.postgres_only
def test_broken_text_is_refused_by_the_database() -> None:
    with connection.cursor() as cursor, pytest.raises(DataError), transaction.atomic():
        cursor.execute(f"INSERT INTO {AuditRecord._meta.db_table} (changes) VALUES ('{{\"a\":[1,}}')")


@pytest.mark.postgres_only
def test_what_seals_are_made_from_is_the_same_however_the_column_is_kept() -> None:
    migration = importlib.import_module("gridkit_django.migrations.0007_changes_as_text")
    rows = RecordRows("default")
    lines = [row.told() for row in rows.between(0, 10**9)]
    with connection.schema_editor(atomic=False) as editor:
        migration.take_apart(apps, editor)
        apart = [row.told() for row in rows.between(0, 10**9)]
        migration.keep_text(apps, editor)
    assert lines == apart == [row.told() for row in rows.between(0, 10**9)]
    assert len(lines) == len(CHANGES)
