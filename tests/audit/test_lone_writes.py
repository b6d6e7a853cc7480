"""Lone writes: each shorter way to a record leaves what the longer one leaves."""

from __future__ import annotations

import datetime as dt
import hmac
import uuid
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from gridkit_django.audit import Target, direct, lone_record, record, writer
from gridkit_django.audit.canonical import canonical_text, document
from gridkit_django.audit.capture import doors, plans, recording
from gridkit_django.audit.capture.plans import WatchBook
from gridkit_django.audit.mac import MAC_BYTES, MacCheck, MacKey, check_mac
from gridkit_django.audit.policies import AuditPolicy, PolicyTable, audit_policies
from gridkit_django.audit.record_function import function_body, function_name, make_record_function, record_function
from gridkit_django.events import Act, Actor, ActorKind, EventSource, acting
from gridkit_django.exceptions import AuditUnavailableError
from gridkit_django.models import AuditRecord
from tests.museum.models import Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWNER = "lone"
ADA = Actor(ActorKind.USER, "7", "Ada \\ O'Neil 100 %s")
CHANGES = {"price": ["1.10", "2.20"], "rate": [0.1, 1e22], "note": [None, "ü\\\"'%s\n"], "deep": [{"a": [1, True]}, []]}


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)
    record_function.forget(connection.alias)


def follow(**options: Any) -> None:
    audit_policies().set(OWNER, [AuditPolicy(model_label="museum.work", **options)])


def stored() -> dict[str, Any]:
    """Write a record, and return all that is stored of it and of its operation, but what differs each time."""
    facts = {"ip": "192.0.2.1", "userAgent": "it's \\ 50 %"}
    with acting(
        ADA, EventSource.API, metadata=facts, impersonator=Actor(ActorKind.USER, "9", "Root"), reason="because"
    ):
        made = record("row.update", target=Target("museum.work", "7", "Hä"), changes=CHANGES, evidence={"n": 1.5})
    found = AuditRecord.objects.get(pk=made.pk)
    assert check_mac(found) is MacCheck.RIGHT
    assert (found.uuid, found.occurred_at) == (made.uuid, made.occurred_at)
    left_out = {"id", "uuid", "mac", "occurred_at", "operation", "operation_id", "correlation_id"}
    rows = {**found.operation.__dict__, **found.__dict__}
    return {name: value for name, value in rows.items() if name not in left_out and not name.startswith("_")}


@pytest.mark.postgres_only
def test_the_function_and_plain_inserts_store_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct.Prepared, "ready", lambda *_: None)
    assert record_function.is_there(connection)
    by_function = stored()
    monkeypatch.setattr(type(record_function), "is_there", lambda *_: False)
    assert stored() == by_function


def test_what_goes_straight_to_the_driver_is_what_a_watched_cursor_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct.Prepared, "ready", lambda *_: None)
    ways: list[int] = []
    name = "call" if connection.vendor == "postgresql" else "insert"
    straight = getattr(direct, name)

    def counted(*arguments: Any) -> Any:
        ways.append(1)
        return straight(*arguments)

    monkeypatch.setattr(direct, name, counted)
    stored()  # the transaction of the test may not have begun in the database before
    ways.clear()
    by_driver = stored()
    assert ways
    ways.clear()
    with CaptureQueriesContext(connection) as seen:
        assert stored() == by_driver
    assert any("gridkit_" in query["sql"] for query in seen)
    with connection.execute_wrapper(lambda execute, *arguments: execute(*arguments)):
        assert stored() == by_driver
    assert not ways


@pytest.mark.postgres_only
def test_the_driver_is_not_called_where_an_event_loop_waits_or_no_transaction_has_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.ensure_connection()
    waiting = connection.Database.waiting
    monkeypatch.setattr(waiting, "wait", lambda *_arguments: None)
    assert direct.call(connection, b"SELECT 1", b"", b"") is None
    monkeypatch.undo()
    with closing(connection.copy()) as other:
        other.connect()
        assert direct.call(other, b"SELECT 1", b"", b"") is None


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> direct.Prepared:
    """Give a statement of its own name, which no connection knows yet."""
    made = direct.Prepared(f"gk_test_{uuid.uuid4().hex}".encode(), places=24)
    monkeypatch.setattr(writer, "prepared", made)
    prepared_statements(made.name)  # so that the transaction of the test has begun in the database, too
    return made


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> direct.Prepared:
    """Give the statement of a connection that has written some records: on PostgreSQL it is prepared."""
    made = direct.Prepared(f"gk_test_{uuid.uuid4().hex}".encode(), places=24)
    monkeypatch.setattr(writer, "prepared", made)
    for _ in range(direct.Prepared.USES + 1):
        stored()
    return made


def prepared_statements(name: bytes) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = %s", [name.decode()])
        return int(cursor.fetchone()[0])


@pytest.mark.postgres_only
def test_a_connection_that_writes_several_records_prepares_the_statement_that_stores_the_same(
    prepared: direct.Prepared,
) -> None:
    ways = [stored() for _ in range(direct.Prepared.USES - 1)]
    assert not prepared_statements(prepared.name)
    ways += [stored() for _ in range(3)]
    assert prepared_statements(prepared.name) == 1
    assert all(way == ways[0] for way in ways)


@pytest.mark.postgres_only
@pytest.mark.parametrize("hindered", ["pooler", "reset"])
def test_nothing_is_prepared_where_the_session_is_not_the_connections_own(
    prepared: direct.Prepared, monkeypatch: pytest.MonkeyPatch, hindered: str
) -> None:
    answer = hindered == "reset"
    monkeypatch.setattr(direct, "is_reset" if answer else "owns_session", lambda _asked: answer)
    for _ in range(direct.Prepared.USES + 2):
        assert stored()["actor_id"] == "7"
    assert not prepared_statements(prepared.name)


@pytest.mark.parametrize(("pool", "answer"), [(None, False), (True, False), ({}, False), ({"reset": print}, True)])
def test_a_pool_with_a_reset_of_its_own_may_discard_statements(pool: object, answer: bool) -> None:
    given: Any = SimpleNamespace(settings_dict={"OPTIONS": {"pool": pool}})
    assert direct.is_reset(given) is answer


@pytest.mark.postgres_only
def test_a_prepared_statement_that_went_meanwhile_is_a_refusal_and_then_not_counted_on(
    prepared: direct.Prepared,
) -> None:
    for _ in range(direct.Prepared.USES):
        stored()
    with connection.cursor() as cursor:
        cursor.execute(f"DEALLOCATE {prepared.name.decode()}")
    with pytest.raises(AuditUnavailableError), transaction.atomic():
        stored()
    assert stored()["actor_id"] == "7"


@pytest.mark.postgres_only
def test_a_statement_that_cannot_be_prepared_is_a_refusal_and_then_not_counted_on(
    prepared: direct.Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "prepared_sql", lambda: "INSERT INTO gk_nowhere VALUES ($1)")
    for _ in range(direct.Prepared.USES - 1):
        stored()
    with pytest.raises(AuditUnavailableError), transaction.atomic():
        stored()
    assert stored()["actor_id"] == "7"


@pytest.mark.parametrize("policy", [{}, {"exclude": frozenset({"count", "title"}), "label": "code"}, {"label": None}])
def test_a_lone_row_is_told_as_one_of_several_are(monkeypatch: pytest.MonkeyPatch, policy: dict[str, Any]) -> None:
    def told(code: str) -> list[tuple[Any, ...]]:
        work = Work.objects.create(
            title='ü "\\', code=code, price="1.50", height=1e22, facts={"a": [1.0, -0.0, None]}, digest=b"\x00"
        )
        for changes in ({"height": 0.5, "facts": {"a": 1}}, {"height": None, "title": "null"}, {"count": 7}, {}):
            for name, value in changes.items():
                setattr(work, name, value)
            work.save()
        key = str(work.pk)
        work.delete()
        found = AuditRecord.objects.filter(target_id=key).order_by("pk")
        assert all(check_mac(row) is MacCheck.RIGHT for row in found)
        given = {"serial", "entered", "code"}
        return [
            (row.action, row.target_label.replace(code, ""), {k: v for k, v in row.changes.items() if k not in given})
            for row in found
        ]

    follow(**policy)
    short = told("short")
    monkeypatch.setattr(AuditPolicy, "is_open", False)
    assert short == told("long")
    assert [row[0] for row in short][::3] == ["row.create", "row.delete" if "exclude" in policy else "row.update"]


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("include_metadata", [True, False])
@pytest.mark.parametrize("facts", [{}, {"ip": "192.0.2.1", "reason": "own"}, {"userAgent": "Ü \x00 \\ '%s"}])
def test_the_shortest_way_stores_what_the_usual_one_stores(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, str], include_metadata: bool
) -> None:
    straight: list[bool] = []
    shortest = recording.write_lone

    def counted(*arguments: Any) -> bool:
        straight.append(shortest(*arguments))
        return straight[-1]

    def told() -> list[dict[str, Any]]:
        grace = Actor(ActorKind.USER, "9", "Gräce \\ 50 %")
        before = AuditRecord.objects.order_by("pk").last()
        with acting(ADA, EventSource.API, metadata=facts, impersonator=grace, correlation_id="é", reason='"why"\n'):
            work = Work.objects.create(title="ü\"\\'%s", code="c", price="1.50", height=1e22)
            work.title = ""
            work.save()
            work.delete()
        found = AuditRecord.objects.filter(pk__gt=before.pk if before else 0).order_by("pk")
        assert all(check_mac(row) is MacCheck.RIGHT for row in found)
        assert all(row.occurred_at - row.operation.occurred_at < dt.timedelta(minutes=1) for row in found)
        assert len({row.operation_id for row in found}) == len({row.operation.pk for row in found}) == 1
        left_out = {"id", "uuid", "mac", "occurred_at", "operation_id", "target_id"}
        rows = [{**row.operation.__dict__, **row.__dict__} for row in found]
        for row in rows:
            row["changes"] = {name: pair for name, pair in row["changes"].items() if name not in {"serial", "entered"}}
        return [{n: v for n, v in row.items() if n not in left_out and not n.startswith("_")} for row in rows]

    follow(include_metadata=include_metadata)
    monkeypatch.setattr(recording, "write_lone", counted)
    short = told()
    assert straight == [True, True, True]
    monkeypatch.setattr(recording, "write_lone", lambda *_: False)
    assert short == told()
    monkeypatch.setattr(recording, "write_lone", counted)
    straight.clear()
    with CaptureQueriesContext(connection):
        assert short == told()
    assert not any(straight)


@pytest.mark.usefixtures("warm")
def test_the_shortest_way_is_left_where_times_have_no_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    follow()
    for _ in range(direct.Prepared.USES):
        stored()
    monkeypatch.setattr(
        lone_record.timezone, "now", lambda: dt.datetime(2026, 1, 2, tzinfo=dt.UTC).replace(tzinfo=None)
    )
    act = lone_record.LoneAct(Act(), metadata=True)
    assert not lone_record.write_lone(connection, act, ("museum.work", "", "row.update", "1"), "", "{}")


def test_a_trail_that_refuses_the_shortest_way_refuses_the_write(
    monkeypatch: pytest.MonkeyPatch, warm: direct.Prepared
) -> None:
    follow()
    for _ in range(direct.Prepared.USES):
        stored()
    monkeypatch.setattr(
        writer, "direct_sql", lambda: ("SELECT 1 WHERE 0 IN (?,?,?,?,?,?,?,?)", "INSERT INTO gk_nowhere")
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"DEALLOCATE {warm.name.decode()}")
    with pytest.raises(AuditUnavailableError), transaction.atomic():
        Work.objects.create(title="a", code="a")
    assert not Work.objects.exists()


@pytest.mark.parametrize("number", [0.0, -0.0, 1.0, 0.25, 1e-4, 9e-5, 1e15, 1e16, 1e22, -2.5, 5e-324])
def test_a_float_is_canonical_text_unless_the_database_writes_it_otherwise(number: float) -> None:
    text = canonical_text({"rate": [None, number], "note": ["1.5e3", True]})
    assert document(text) == document(str(text))


@pytest.mark.postgres_only
def test_without_the_function_records_are_stored_by_plain_inserts_until_it_is_made() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP FUNCTION {function_name()}(jsonb, bytea)")
    record_function.forget(connection.alias)
    assert not record_function.is_there(connection)
    assert not record_function.is_there(connection)
    assert stored()["actor_id"] == "7"
    make_record_function(using=connection.alias)
    assert record_function.is_there(connection)


@pytest.mark.postgres_only
@pytest.mark.django_db(transaction=True)
def test_first_record_of_a_process_is_stored_on_a_connection_that_is_not_open_yet() -> None:
    record_function.forget(connection.alias)
    connection.close()
    made = record("row.update", target=Target("museum.work", "7"), changes=CHANGES)
    assert AuditRecord.objects.get(pk=made.pk).uuid == made.uuid


@pytest.mark.postgres_only
def test_a_function_that_went_meanwhile_is_a_refusal_and_then_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(direct.Prepared, "ready", lambda *_: None)
    assert record_function.is_there(connection)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER FUNCTION {function_name()}(jsonb, bytea) RENAME TO gk_elsewhere")
    try:
        with pytest.raises(AuditUnavailableError), transaction.atomic():
            stored()
        assert stored()["actor_id"] == "7"
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER FUNCTION gk_elsewhere(jsonb, bytea) RENAME TO {function_name()}")


@pytest.mark.postgres_only
def test_functions_of_older_versions_are_marked_first_and_dropped_by_a_migration_a_day_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def there() -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'gridkit_audit_write_%'")
            return {row[0] for row in cursor.fetchall()}

    old, other = "gridkit_audit_write_00000000", "gridkit_audit_write_mine"
    with connection.cursor() as cursor:
        for name in (old, other):
            cursor.execute(
                f"CREATE FUNCTION {name}(told jsonb, proof bytea) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'"
            )
    try:
        make_record_function(using=connection.alias)
        make_record_function(using=connection.alias)
        assert there() >= {old, other, function_name()}
        monkeypatch.setattr("gridkit_django.audit.record_function.KEPT", dt.timedelta(0))
        make_record_function(using=connection.alias)
        assert there() >= {other, function_name()}
        assert old not in there()
        assert stored()["actor_id"] == "7"
    finally:
        with connection.cursor() as cursor:
            for name in (old, other):
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}(jsonb, bytea)")


def test_the_function_is_another_one_for_sites_without_time_zones() -> None:
    aware = function_name()
    with override_settings(USE_TZ=False):
        assert "::timestamptz" not in function_body()
        assert function_name() != aware
    make_record_function(using=connection.alias)  # on SQLite there is nothing to make


@pytest.mark.parametrize("returns_both", [doors.RETURNS_BOTH, 10_000_000])
def test_values_before_and_after_are_the_same_however_the_database_returns_them(
    monkeypatch: pytest.MonkeyPatch, returns_both: int
) -> None:
    monkeypatch.setattr(doors, "RETURNS_BOTH", returns_both)
    follow()
    work = Work.objects.create(title="a", code="a", seen=dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC))
    work.title = "b"
    work.save()
    work.seen = dt.datetime(2027, 1, 2, tzinfo=dt.UTC)
    work.save()
    work.seen = None
    work.save()
    told = AuditRecord.objects.filter(action="row.update").order_by("pk")
    moments = "2026-01-02T03:04:05.000006+00:00", "2027-01-02T00:00:00+00:00"
    assert [(row.target_label, row.changes) for row in told] == [
        ("b", {"title": ["a", "b"]}),
        ("b", {"seen": list(moments)}),
        ("b", {"seen": [moments[1], None]}),
    ]


def test_sets_of_fields_are_remembered_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "_SHAPES_MAX", 2)
    policy = AuditPolicy(model_label="museum.work", label=None)
    watch = WatchBook(PolicyTable({OWNER: (policy,)})).by_label["museum.work"]
    for names in (("title",), ("code",), ("count", "price"), ("title",)):
        assert sorted(item.name for item in watch.shape(names).fields) == sorted(names)
    assert watch.shape(("title",)) is watch.shape(("title",))
    assert watch.shape(("id", "title")).moves
    assert not watch.shape(("title",)).moves


def test_a_mac_is_hmac_sha256() -> None:
    key = MacKey("phrase")
    for content in (b"", b"record", b"x" * 1000):
        assert key.mac(content)[1:] == hmac.digest(key.secret, content, "sha256")[:MAC_BYTES]
