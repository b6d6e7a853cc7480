"""Partitions of the record table: made of it as it is, filled in turn, guarded, and put together again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, connections, models, transaction
from django.test import override_settings

from gridkit_django.audit.barrier import Barrier
from gridkit_django.audit.health import trail_health
from gridkit_django.audit.partitions import (
    Conversion,
    Reversal,
    ahead,
    converting,
    faults_of,
    figures_of,
    is_partitioned,
    locking,
    make_ahead,
    month_of_ids,
    partitions_of,
    remove_leftover,
)
from gridkit_django.audit.partitions.catalog import REST, TABLE, ask, newest_id
from gridkit_django.audit.sealing import seal_all
from gridkit_django.audit.verify import DatabaseVerifier
from gridkit_django.checks import check_audit_partitions
from gridkit_django.exceptions import AuditPartitionBusyError, AuditPartitionError
from gridkit_django.models import AuditRecord
from gridkit_django.tasks.audit import partition_audit
from tests.audit.chains import run_sql, write
from tests.servers.processes import wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]

AHEAD = "Run gridkit_audit_partition ahead."


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, "AUDIT_PARTITION_RECORDS": 4}):
        yield


def convert() -> None:
    Conversion("default").run()


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def where() -> dict[int, str]:
    """Return the place of each record: what follows the table's name in that of its partition."""
    rows = ask(connection, f"SELECT id, tableoid::regclass::text FROM {TABLE} ORDER BY id")
    return {number: name.removeprefix(TABLE) for number, name in rows}


FORM = (
    """
    SELECT attname, atttypid, attnotnull, attidentity FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1
    """,
    """
    SELECT replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') FROM pg_index
    WHERE indrelid = %s::regclass ORDER BY 1
    """,
    "SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass ORDER BY 1",
    "SELECT tgname, tgtype FROM pg_trigger WHERE tgrelid = %s::regclass ORDER BY 1",
    "SELECT relowner, relacl::text FROM pg_class WHERE oid = %s::regclass",
)


def form() -> list[Any]:
    """Return what the table is: columns, indexes, constraints, triggers and rights."""
    return [ask(connection, statement, TABLE) for statement in FORM]


def test_table_becomes_the_first_partition_and_ids_go_on() -> None:
    before, made = form(), write(2)
    storage = ask(connection, "SELECT pg_relation_filenode(%s::regclass)", TABLE)
    sequence = ask(connection, "SELECT pg_get_serial_sequence(%s, 'id')", TABLE)

    convert()

    assert form() == before
    assert ask(connection, "SELECT pg_relation_filenode(%s::regclass)", f"{TABLE}_p0") == storage, "not copied"
    assert ask(connection, "SELECT pg_get_serial_sequence(%s, 'id')", TABLE) == sequence
    (later,) = write()
    assert later.pk == made[-1].pk + 2, "the record of the conversion is between"
    assert set(where().values()) == {"_p0"}
    assert list(AuditRecord.objects.filter(pk__in=[item.pk for item in made])) == made[::-1]


def test_records_go_to_their_partitions_in_turn_and_a_write_never_lacks_one() -> None:
    convert()
    first, *others = [part.first for part in partitions_of(connection) if not part.is_rest]
    assert first == -(2**63)
    write(12)
    names = list(where().values())
    assert names == ["_p0"] * 4 + [f"_p{others[0]}"] * 4 + [f"_p{others[1]}"] * 4 + ["_rest"]
    assert faults_of("default") == [
        f"Records have landed in {REST}, because no partition was there for them. {AHEAD}",
        f"No partition of {TABLE} is there ahead; records will soon land in the last one. {AHEAD}",
    ]
    assert [fault.id for fault in check_audit_partitions(["default"])] == ["gridkit.W202"] * 2


def test_partitions_are_made_ahead_and_what_landed_in_the_last_one_becomes_a_partition() -> None:
    convert()
    write(13)
    landed = [number for number, name in where().items() if name == "_rest"]
    made = make_ahead("default")
    assert len(made) == 3
    assert {where()[number] for number in landed} == {made[0].removeprefix(TABLE)}
    assert faults_of("default") == check_audit_partitions(["default"]) == []
    assert Barrier(connection).stands()
    assert "_rest" not in where().values()
    told = AuditRecord.objects.filter(action="audit.partition").order_by("-pk")[0]
    assert told.evidence == {"did": "make", "size": 4, "partitions": made}


def test_missing_last_partition_is_told_and_made_again() -> None:
    convert()
    execute(f"DROP TABLE {REST}")
    assert faults_of("default") == [f"{TABLE} has no last partition: records would be refused. {AHEAD}"]
    make_ahead("default")
    assert faults_of("default") == []
    assert Barrier(connection).stands()


def test_record_with_an_id_that_was_never_drawn_is_seen() -> None:
    convert()
    columns = ", ".join(field.column for field in AuditRecord._meta.concrete_fields[1:])
    execute(f"INSERT INTO {TABLE} (id, {columns}) SELECT 10000000, {columns} FROM {TABLE} LIMIT 1")
    assert "have landed" in faults_of("default")[0]
    assert trail_health("default").partition_faults == tuple(faults_of("default"))
    with pytest.raises(AuditPartitionError, match="not from the sequence, 10000000"):
        make_ahead("default")


def test_barrier_guards_each_partition_under_its_own_name() -> None:
    convert()
    write(9)
    assert Barrier(connection).stands()
    for name in (TABLE, *(part.name for part in partitions_of(connection))):
        verbs = [f"TRUNCATE {name}"]
        if ask(connection, f"SELECT 1 FROM {name} LIMIT 1"):
            verbs += [f"DELETE FROM {name}", f"UPDATE {name} SET actor_id = 'x'"]
        for statement in verbs:
            with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
                execute(statement)
    part = partitions_of(connection)[-2].name
    execute(f"DROP TRIGGER gridkit_keep_truncate_auditrecord ON {part}")
    assert not Barrier(connection).stands()
    Barrier(connection).make()
    assert Barrier(connection).stands()


def test_chain_goes_on_over_the_change_of_form() -> None:
    write(3)
    seal_all()
    write(2)
    convert()
    write(14)
    seal_all()
    make_ahead("default")
    assert DatabaseVerifier("default").run().is_good
    Reversal("default").run()
    write(2)
    seal_all()
    assert DatabaseVerifier("default").run().is_good
    run_sql(f"UPDATE {TABLE} SET target_label = 'x' WHERE id = (SELECT min(id) FROM {TABLE})")
    assert not DatabaseVerifier("default").run().is_good


def test_lookups_by_id_ask_one_partition() -> None:
    convert()
    write(12)
    high = newest_id(connection) - 6
    for question in (f"id = {high}", f"id BETWEEN {high} AND {high + 1}", f"id > {high}"):
        plan = "\n".join(row[0] for row in ask(connection, f"EXPLAIN SELECT id FROM {TABLE} WHERE {question}"))
        assert f"{TABLE}_p0" not in plan
    newest = ask(connection, f"EXPLAIN ANALYZE SELECT id FROM {TABLE} ORDER BY id DESC LIMIT 1")
    plan = "\n".join(row[0] for row in newest)
    assert "Sort Key" not in plan


def test_way_back_gives_the_form_that_was() -> None:
    before = form()
    write(2)
    convert()
    write(12)
    ids = list(where())
    reversal = Reversal("default")
    assert reversal.copied > 0

    reversal.run()

    assert form() == before
    assert not is_partitioned(connection)
    assert list(where())[:-1] == ids
    assert partitions_of(connection) == figures_of("default") == []
    convert()
    assert is_partitioned(connection)
    assert write()[0].pk == ids[-1] + 3


def test_rights_come_along_and_partitions_can_only_be_read() -> None:
    execute("CREATE ROLE gk_app LOGIN")
    execute("CREATE ROLE gk_reader LOGIN")
    execute("CREATE ROLE gk_columns LOGIN")
    execute("ALTER DEFAULT PRIVILEGES GRANT UPDATE, DELETE ON TABLES TO gk_app, PUBLIC")
    execute(f"GRANT SELECT, INSERT ON {TABLE} TO gk_app WITH GRANT OPTION")
    execute(f"GRANT SELECT ON {TABLE} TO gk_reader")
    execute(f"GRANT SELECT (id) ON {TABLE} TO gk_columns")
    before = form()

    convert()

    assert form() == before
    for part in partitions_of(connection):
        rows = ask(
            connection,
            "SELECT a.grantee::regrole::text, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a "
            "WHERE c.relname = %s AND a.grantee <> c.relowner ORDER BY 1",
            part.name,
        )
        assert rows == [("gk_app", "SELECT"), ("gk_reader", "SELECT")]
    execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO gk_app")
    execute("SET SESSION AUTHORIZATION gk_app")
    try:
        with pytest.raises(AuditPartitionError, match="does not own"):
            make_ahead("default")
        write()
    finally:
        execute("RESET SESSION AUTHORIZATION")


def test_owner_stays_when_another_login_that_may_act_for_it_converts() -> None:
    execute("CREATE ROLE gk_owner")
    execute(f"ALTER TABLE {TABLE} OWNER TO gk_owner")
    convert()
    owners = ask(
        connection, "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE starts_with(relname, %s)", TABLE
    )
    assert owners == [("gk_owner",)]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (f"CREATE VIEW looks AS SELECT id FROM {TABLE}", "the view looks"),
        (f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY", "its row security"),
        (f"CREATE UNIQUE INDEX one ON {TABLE} (uuid)", "the unique index one"),
        (f"CREATE TABLE other (record bigint CONSTRAINT to_it REFERENCES {TABLE})", "the foreign key to_it"),
        (f"CREATE TABLE heir () INHERITS ({TABLE})", "its heir or parent heir"),
        (f"CREATE PUBLICATION news FOR TABLE {TABLE}", "the publication news"),
    ],
)
def test_what_would_not_come_along_is_named(statement: str, told: str) -> None:
    execute(statement)
    with pytest.raises(AuditPartitionError, match=told):
        convert()


def test_large_table_is_proven_before_it_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting, "LOOKED_THROUGH", -1)
    monkeypatch.setattr(converting, "MARGIN", 2)
    before = form()
    write(2)
    conversion = Conversion("default")
    assert len(conversion.proof) == 2
    conversion.run()
    assert form() == before
    write(12)
    assert set(where().values()) > {"_p0"}


def test_conversion_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting, "LOOKED_THROUGH", -1)
    before = form()
    conversion = Conversion("default")

    def failing(_barrier: Barrier) -> None:
        assert is_partitioned(connection)
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Barrier, "make_for_records", failing)
        with pytest.raises(OSError, match="killed"):
            conversion.run()
    assert form() == before
    assert faults_of("default") == []


def test_leftover_of_a_killed_conversion_is_told_and_taken_away(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(converting, "LOOKED_THROUGH", -1)
    before = form()
    execute(Conversion("default").proof[0])
    assert "was killed" in faults_of("default")[0]
    assert partition_audit() == 0
    assert form() == before
    execute(Conversion("default").proof[0])
    call_command("gridkit_audit_partition", "undo")
    assert "taken away" in capsys.readouterr().out
    assert form() == before
    assert not remove_leftover("default")


def test_busy_table_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(locking.time, "sleep", waited.append)

    def refusing(code: str) -> Callable[[], None]:
        return lambda: execute(f"DO $$ BEGIN RAISE EXCEPTION 'locked' USING ERRCODE = '{code}'; END $$")

    with pytest.raises(AuditPartitionBusyError, match="in use all the time"):
        locking.with_lock("default", refusing("55P03"))
    assert len(waited) == locking.TRIES - 1
    with pytest.raises(OperationalError, match="locked"):
        locking.with_lock("default", refusing("53200"))


def test_later_migrations_work_on_the_partitioned_table() -> None:
    convert()
    write(9)
    note, longer = models.CharField(max_length=9, default="x"), models.CharField(max_length=90, default="x")
    for field in (note, longer):
        field.set_attributes_from_name("note")
        field.model = AuditRecord
    index = models.Index(fields=["grid", "id"], name="by_grid")
    with connection.schema_editor() as editor:
        editor.add_field(AuditRecord, note)
        editor.alter_field(AuditRecord, note, longer)
        editor.add_index(AuditRecord, index)
        places = "SELECT count(*) FROM pg_attribute a JOIN pg_inherits i ON i.inhrelid = attrelid AND attname = 'note'"
        assert ask(connection, places)[0][0] == len(partitions_of(connection))
        editor.remove_index(AuditRecord, index)
        editor.remove_field(AuditRecord, longer)


def test_no_constraint_of_records_is_in_the_way_of_partitions() -> None:
    own = AuditRecord._meta
    assert [field.name for field in own.local_fields if field.unique and not field.primary_key] == []
    unique = [item for item in own.constraints if isinstance(item, models.UniqueConstraint)]
    assert [item.name for item in unique if "id" not in item.fields] == []
    assert not own.unique_together


def test_size_of_a_partition_is_about_a_month(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(GRIDKIT={**django_settings.GRIDKIT, "AUDIT_PARTITION_RECORDS": None}):
        assert month_of_ids("default") == 0
        assert ahead.partition_size("default") == ahead.SIZE_MIN
        write(10)
        assert 300 <= month_of_ids("default") <= 310, "what came within a day counts as one day's"
        monkeypatch.setattr(ahead, "SIZE_MIN", 1)
        monkeypatch.setattr(ahead, "month_of_ids", lambda _alias: 123_456)
        assert ahead.partition_size("default") == 130_000
        monkeypatch.setattr(ahead, "month_of_ids", lambda _alias: 7)
        assert ahead.partition_size("default") == 7


def test_figures_tell_time_range_and_what_is_filled() -> None:
    convert()
    made = write(5)
    shown = figures_of("default")
    assert [(item.rows, item.is_open) for item in shown] == [(4, False), (2, True), (0, True), (0, True)]
    assert shown[1].until == made[-1].occurred_at
    assert (shown[2].since, shown[2].until) == (None, None)
    assert all(item.part.bytes > 0 for item in shown)


def test_command_tells_the_sql_converts_and_goes_back(capsys: Any) -> None:
    write(2)
    call_command("gridkit_audit_partition", "convert", "--dry-run", "--records", "3")
    assert "ATTACH PARTITION" in capsys.readouterr().out
    assert not is_partitioned(connection)

    call_command("gridkit_audit_partition", "convert", "--records", "3")
    told = capsys.readouterr().out
    assert "The table of audit records is partitioned.\ngridkit_django_auditrecord_p0: ids up to " in told
    assert "all ids after them, empty" in told
    with pytest.raises(CommandError, match="already"):
        call_command("gridkit_audit_partition", "convert")
    call_command("gridkit_audit_partition", "ahead")
    assert "Enough partitions are there" in capsys.readouterr().out
    write(12)
    call_command("gridkit_audit_partition")
    assert "have landed" in capsys.readouterr().err
    call_command("gridkit_audit_partition", "ahead")
    assert "Made: gridkit_django_auditrecord_p" in capsys.readouterr().out

    call_command("gridkit_audit_partition", "undo", "--dry-run")
    assert "have to be copied" in capsys.readouterr().out
    assert is_partitioned(connection)
    call_command("gridkit_audit_partition", "undo")
    assert "is in one piece" in capsys.readouterr().out
    for action in ("undo", "ahead"):
        with pytest.raises(CommandError, match="is not partitioned"):
            call_command("gridkit_audit_partition", action)


def test_task_makes_partitions_where_the_table_has_some() -> None:
    assert partition_audit() == 0
    convert()
    write(9)
    assert partition_audit() == 2


def go_on(written: list[int], writers: list[Future[None]]) -> None:
    """Wait until some more records are written."""
    goal = len(written) + 4
    wait_until(lambda: len(written) > goal or any(item.done() for item in writers), "writers that go on")


@pytest.mark.django_db(transaction=True)
def test_writers_only_wait_while_the_form_changes() -> None:
    written: list[int] = []
    stop = threading.Event()

    def run() -> None:
        try:
            while not stop.is_set():
                written.extend(item.pk for item in write())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(run) for _ in range(2)]
        try:
            for change in (convert, lambda: make_ahead("default"), lambda: Reversal("default").run()):
                go_on(written, writers)
                change()
            go_on(written, writers)
        finally:
            stop.set()
            if is_partitioned(connection):
                Reversal("default").run()
        assert [item.exception(30) for item in writers] == [None, None]
    assert len(set(written)) == len(written)
    assert set(written) == set(AuditRecord.objects.filter(action="row.update").values_list("pk", flat=True))


def test_long_transaction_of_another_keeps_the_form_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(locking, "PAUSE_SECONDS", 0.01)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {TABLE}")
        with pytest.raises(AuditPartitionBusyError, match="in use all the time"):
            convert()
        assert not is_partitioned(connection)
    finally:
        other.close()
    convert()
    assert is_partitioned(connection)


def test_login_that_does_not_own_the_table_can_not_change_its_form() -> None:
    execute("CREATE ROLE gk_app LOGIN")
    execute("SET SESSION AUTHORIZATION gk_app")
    try:
        with pytest.raises(AuditPartitionError, match="because of the login, which does not own it"):
            convert()
    finally:
        execute("RESET SESSION AUTHORIZATION")


def test_way_back_names_what_would_not_come_along() -> None:
    convert()
    execute(f"CREATE VIEW looks AS SELECT id FROM {TABLE}")
    with pytest.raises(AuditPartitionError, match="can't be put together because of the view looks"):
        Reversal("default")


def test_check_is_silent_where_the_database_can_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_alias: str) -> list[str]:
        raise OperationalError("gone")

    monkeypatch.setattr("gridkit_django.checks.partitions.faults_of", failing)
    assert check_audit_partitions(["default"]) == []
