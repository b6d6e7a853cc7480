"""Whatever is done to a strict table, by whichever way, its records rebuild it exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridkit_django.audit import json_value
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.triggers import Triggers
from gridkit_django.models import AuditRecord
from tests.shop.models import Specimen

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
VALUES = {
    "text": st.none() | TEXT,
    "whole": st.none() | st.integers(-9, 9),
    "money": st.none() | st.decimals(-99, 99, places=2),
    "moment": st.none() | st.just("2026-01-02T03:04:05.5+02:00"),
    "data": st.none() | st.dictionaries(TEXT, st.integers(0, 2) | st.none(), max_size=2),
    "raw": st.none() | st.binary(max_size=3),
}
ROW = st.fixed_dictionaries({}, optional=VALUES)


def _sql(text: str, *params: Any) -> Callable[[], None]:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(text, params)

    return run


def _rolled_back(row: dict[str, Any]) -> None:
    sid = transaction.savepoint()
    Specimen.objects.create(**row)
    Specimen.objects.update(text="gone")
    transaction.savepoint_rollback(sid)


def _touch(row: dict[str, Any]) -> None:
    for found in Specimen.objects.order_by("?")[:2]:
        for name, value in row.items():
            setattr(found, name, value)
        found.save()


def _upsert(row: dict[str, Any]) -> None:
    known = list(Specimen.objects.values_list("key", flat=True)[:1])
    rows = [Specimen(**({"key": known[0]} if known else {}), **row), Specimen(text="beside")]
    Specimen.objects.bulk_create(rows, update_conflicts=True, unique_fields=["key"], update_fields=["text", "whole"])


_PARENTS = "UPDATE shop_specimen SET parent_id = (SELECT min(key::text) FROM shop_specimen)::uuid"
_KEYS = "UPDATE shop_specimen SET key = gen_random_uuid() WHERE parent_id IS NULL AND whole > 5"
_GONE = (
    "DELETE FROM shop_specimen s WHERE text < 'b' AND parent_id IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM shop_specimen c WHERE c.parent_id = s.key)"
)

STEPS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "create": lambda row: Specimen.objects.create(**row),
    "several": lambda row: Specimen.objects.bulk_create([Specimen(**row) for _ in range(3)]),
    "touch": _touch,
    "upsert": _upsert,
    "all": lambda row: row and Specimen.objects.update(**row),
    "counted": lambda _row: Specimen.objects.update(whole=F("whole") + 1, money=F("money") * Decimal("1.5")),
    "parents": lambda _row: _sql(_PARENTS)(),
    "keys": lambda _row: _sql(_KEYS)(),
    "delete": lambda _row: Specimen.objects.filter(whole__lt=0).delete(),
    "one": lambda _row: [found.delete() for found in Specimen.objects.all()[:1]],
    "sql": lambda _row: _sql(_GONE)(),
    "back": _rolled_back,
}  # fmt: skip


@pytest.fixture(autouse=True)
def strict() -> Iterator[None]:
    audit_policies().set("tests", [AuditPolicy(model_label="shop.specimen", strict=True)])
    Triggers(connection, audit_policies().table).install()
    yield
    audit_policies().drop("tests")


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), ROW), min_size=3, max_size=12))
def test_records_rebuild_the_table(steps: list[tuple[str, dict[str, Any]]]) -> None:
    sid = transaction.savepoint()
    before = AuditRecord.objects.count()
    for name, row in steps:
        STEPS[name](row)
    assert rebuilt(list(AuditRecord.objects.order_by("pk")[before:])) == stored()
    transaction.savepoint_rollback(sid)


def rebuilt(records: list[AuditRecord]) -> dict[str, dict[str, Any]]:
    """Return the rows that the records tell of; each value before must be the one that was told last."""
    rows: dict[str, dict[str, Any]] = {}
    for record in records:
        if record.action == "row.create":
            assert record.target_id not in rows
            rows[record.target_id] = {}
        row = rows[record.target_id]
        for name, (old, new) in record.changes.items():
            assert row.get(name) == old
            row[name] = new
        if record.action == "row.delete":
            assert set(rows.pop(record.target_id).values()) <= {None}
    return {key: {name: value for name, value in row.items() if value is not None} for key, row in rows.items()}


def stored() -> dict[str, dict[str, Any]]:
    """Return the rows that there are."""
    names = [field.attname for field in Specimen._meta.concrete_fields if not field.primary_key]
    return {
        str(row["key"]): {
            name.removesuffix("_id"): json_value(row[name]) for name in names if row[name] is not None
        }
        for row in Specimen.objects.values("key", *names)
    }  # fmt: skip
