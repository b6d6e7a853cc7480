"""The canonical bytes: the same for what is stored on either database, and another for every other record."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import settings as draws
from hypothesis import strategies as st

from gridkit_django.audit import Target, record
from gridkit_django.audit.canonical import canonical, canonical_of, document, moment, operation_text
from gridkit_django.audit.rows import RecordRows
from gridkit_django.events import Actor, EventSource, acting
from gridkit_django.exceptions import AuditFormError
from gridkit_django.models import AuditOperation, AuditRecord

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text('aé\n"\\☃𝄞'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('abé"', max_size=3), inner, max_size=3),
    max_leaves=8,
)


def example(**fields: Any) -> AuditRecord:
    when = dt.datetime(2026, 11, 26, 19, 1, tzinfo=dt.UTC)
    operation = AuditOperation(id=uuid.UUID(int=1), source="api", facts={"ip": "192.0.2.1"}, occurred_at=when)
    plain = {
        "uuid": uuid.UUID(int=2),
        "operation": operation,
        "action": "row.update",
        "actor_kind": "user",
        "actor_id": "7",
        "actor_label": "Ada",
        "target_type": "shop.product",
        "target_id": "1",
        "changes": {"price": ["1.10", None]},
        "occurred_at": when,
    }
    return AuditRecord(**{**plain, **fields})


def test_canonical_text_is_as_the_reference_shows_it() -> None:
    assert canonical(example(pk=5)).decode() == (
        '{"action":"row.update","actor":{"id":"7","kind":"user","label":"Ada"},"changes":{"price":["1.10",null]},'
        '"evidence":null,"form":1,"grid":"","id":5,"occurredAt":"2026-11-26T19:01:00.000000Z",'
        '"operation":{"correlationId":"","facts":{"ip":"192.0.2.1"},"id":"00000000-0000-0000-0000-000000000001",'
        '"impersonator":{"id":"","label":""},"occurredAt":"2026-11-26T19:01:00.000000Z","reason":"","source":"api"},'
        '"related":null,"target":{"id":"1","label":"","type":"shop.product"},'
        '"uuid":"00000000-0000-0000-0000-000000000002"}'
    )


def test_text_is_json_with_sorted_keys_so_that_any_reader_understands_it() -> None:
    text = canonical(example(pk=5, related=[["shop.customer", "3"]], evidence={"b": 1, "a": "é"})).decode()
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False) == text


@pytest.mark.parametrize(
    ("stored", "canonical_form"),
    [
        ('{"b": 1, "a": [1.10, -0.0, 1e3, 1E-7]}', '{"a":[1.10,0.0,1000,0.0000001],"b":1}'),
        ("[12345678901234567890.123456789012345678901]", "[12345678901234567890.123456789012345678901]"),
        ('"\\u00e9\\ud834\\udd1e"', '"é𝄞"'),
        ("[1e999999999]", "[1e999999999]"),
        ("null", "null"),
        ("{}", "{}"),
        (f"[{'9' * 5000}]", f"[{'9' * 5000}]"),
    ],
)
def test_stored_documents_keep_every_digit(stored: str, canonical_form: str) -> None:
    assert document(stored) == canonical_form


@pytest.mark.parametrize("stored", ['{"a": 1, "a": 2}', "[NaN]", "{", "["])
def test_document_that_can_be_read_in_two_ways_has_no_canonical_form(stored: str) -> None:
    with pytest.raises(AuditFormError, match="holds what no record has"):
        canonical(example(changes=stored))


@pytest.mark.parametrize("fields", [{"action": None}, {"uuid": "x"}, {"occurred_at": "yesterday"}, {"target_id": 7}])
def test_column_with_a_foreign_value_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(AuditFormError, match="holds what no record has"):
        canonical(example(**fields))


def test_unknown_form_is_refused_and_damaged_operation_too() -> None:
    with pytest.raises(AuditFormError, match="has form 9"):
        canonical(example(schema_version=9))
    with pytest.raises(AuditFormError, match="no operation has"):
        operation_text(AuditOperation(source=None))
    assert operation_text(None) == "null"


def test_half_a_surrogate_pair_leads_to_other_bytes_not_to_a_crash() -> None:
    assert canonical(example(changes='{"a": "\\ud800"}')) != canonical(example(changes='{"a": "\\udfff"}'))


def test_points_in_time_are_utc_with_microseconds() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    assert moment(dt.datetime(2026, 1, 1, 1, 0, 0, 7, tzinfo=zone)) == "2025-12-31T23:00:00.000007Z"
    assert moment("2026-01-01 01:00:00") == moment(dt.datetime(2026, 1, 1, 1)) == "2026-01-01T01:00:00.000000Z"  # noqa: DTZ001


@pytest.mark.both_databases
@pytest.mark.django_db
@given(facts=st.dictionaries(st.text("abé", min_size=1), VALUES, max_size=4))
@draws(max_examples=25, deadline=None)
def test_what_is_stored_has_the_canonical_bytes_of_what_was_written(facts: dict[str, Any]) -> None:
    with acting(Actor.system("t"), EventSource.API, metadata={"userAgent": 'a"\\é'}, reason="because\n☃"):
        made = record("row.update", target=Target("t", "1", "Ü"), changes={"a": [facts, None]}, evidence=facts)
    (row,) = RecordRows(connection.alias).between(made.pk, made.pk)
    expected = canonical_of(made, operation_text(made.operation))
    assert row.canonical().line(made.pk) == expected.line(made.pk)
    assert row.canonical().content() == expected.content()
