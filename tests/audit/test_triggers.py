"""Strict mode: the triggers of PostgreSQL record every write, whoever makes it, and nobody records it twice."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from gridkit_django.audit.mac import MacCheck, check_mac
from gridkit_django.audit.policies import AuditPolicy, audit_policies
from gridkit_django.audit.triggers import Triggers, announce
from gridkit_django.events import Actor, ActorKind, EventSource, acting
from gridkit_django.exceptions import ReasonRequiredError
from gridkit_django.models import AuditOperation, AuditRecord
from tests.audit.strict_trail import OWNER, Trail, execute, follow, policy
from tests.museum.models import Artist, Hall, Key, Loan, Place, Tag, Work

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases, pytest.mark.postgres_only]

ADA = Actor(ActorKind.USER, "7", "ada")


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    yield
    audit_policies().drop(OWNER)


@pytest.fixture
def trail() -> Trail:
    follow(policy(Work), policy(Artist), policy(Key))
    return Trail()


def test_a_new_row_is_recorded_once_with_what_is_not_null(trail: Trail) -> None:
    made = Artist.objects.create(name="Ada")
    assert trail() == [("row.create", "museum.artist", str(made.pk), {"name": [None, "Ada"], "rank": [None, 0]})]


def test_an_update_tells_the_fields_that_changed_and_nothing_when_none_did(trail: Trail) -> None:
    made = Artist.objects.create(name="Ada")
    trail()
    made.rank = 3
    made.save()
    made.save()
    Artist.objects.update(rank=F("rank"))
    assert trail() == [("row.update", "museum.artist", str(made.pk), {"rank": [0, 3]})]
    assert AuditOperation.objects.filter(records=None).count() == 0


def test_a_deleted_row_is_recorded_with_what_it_was(trail: Trail) -> None:
    made = Artist.objects.create(name="Ada")
    key = str(made.pk)
    trail()
    made.delete()
    assert trail() == [("row.delete", "museum.artist", key, {"name": ["Ada", None], "rank": [0, None]})]


def _everything() -> None:
    """Do one of each."""
    ada, bob = Artist.objects.create(name="Ada"), Artist.objects.create(name="Bob")
    tags = [Tag.objects.create(name=name) for name in ("b", "a")]
    one = Work.objects.create(
        title="One", code="1", artist=ada, keeper=bob, price=Decimal("12.5"), height=1.0, facts={"b": [1, True, None]},
        bought=dt.date(2020, 1, 2), seen=dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC), opens=dt.time(8, 30),
        lasts=dt.timedelta(days=1, microseconds=5), serial=uuid.UUID(int=5), digest=bytes(range(60)), image="a/b.png",
        entered=dt.datetime(2020, 1, 2, tzinfo=dt.UTC),
    )  # fmt: skip
    Work.objects.bulk_create([Work(title=f"W{at}", code=f"w{at}", serial=uuid.UUID(int=at)) for at in range(3)])
    Work.objects.filter(code__startswith="w").update(price=F("count") + 2, title="O'Hara", facts={"a": 1.0})
    Work.objects.update(facts={"a": 1})
    works = list(Work.objects.order_by("code"))
    for work in works:
        work.height = 0.1
    Work.objects.bulk_update(works, ["height"])
    Work.objects.bulk_create(
        [Work(title="New", code="1", serial=uuid.UUID(int=5)), Work(title="Two", code="2", serial=uuid.UUID(int=6))],
        update_conflicts=True, unique_fields=["code"], update_fields=["title"],
    )  # fmt: skip
    one.tags.add(*tags)
    tags[0].works.add(*works)
    one.tags.set(tags[:1])
    one.tags.clear()
    Loan.objects.create(work=one, lender=bob)
    bob.delete()
    Key.objects.create(id=uuid.UUID(int=9), label="k").tags.add(*tags)


def test_records_are_those_of_capture(trail: Trail) -> None:
    """The same writes, followed by triggers and then at the ORM, leave the same records."""
    _everything()
    strict = [(action, label, changes) for action, label, _, changes in trail()]
    for model in (Key, Loan, Work, Artist, Tag):
        model.objects.all().delete()
    audit_policies().set(OWNER, [AuditPolicy(model_label=f"museum.{name}") for name in ("work", "artist", "key")])
    Triggers(connection, audit_policies().table).remove()
    trail()
    _everything()
    captured = [(action, label, changes) for action, label, _, changes in trail()]
    assert _comparable(strict) == _comparable(captured)


def _comparable(records: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
    """Take out keys, which were counted on, and times of the database's own."""
    return sorted(
        f"{action} {label} "
        + repr({name: pair for name, pair in sorted(changes.items()) if name not in _COUNTED and name != "entered"})
        for action, label, changes in records
    )


_COUNTED = {"artist", "keeper", "tags", "lenders", "room"}


def test_many_to_many_pairs_are_a_change_of_their_owner_from_both_sides(trail: Trail) -> None:
    work = Work.objects.create(title="One", code="1")
    tags = [Tag.objects.create(name=name) for name in ("a", "b")]
    trail()
    work.tags.add(*tags)
    tags[0].works.remove(work)
    work.tags.set([])
    keys = [tag.pk for tag in tags]
    assert [changes for _, _, _, changes in trail()] == [
        {"tags": [[], keys]},
        {"tags": [keys, keys[1:]]},
        {"tags": [keys[1:], []]},
    ]


def test_deletion_of_pairs_asks_who_acts_only_when_there_were_any(trail: Trail) -> None:
    work = Work.objects.create(title="One", code="1")
    trail()
    table = Work.tags.through._meta.db_table
    connection.ensure_connection()
    # Past Django, which would tell who acts before it.
    with connection.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('gridkit.act', 'no JSON', true)")
        cursor.execute(f"DELETE FROM {table} WHERE work_id = %s", [work.pk])
        assert trail() == []
        cursor.execute("SELECT set_config('gridkit.act', '', true)")
        work.tags.add(Tag.objects.create(name="a"))
        cursor.execute("SELECT set_config('gridkit.act', 'no JSON', true)")
        with pytest.raises(connection.Database.DataError, match="json"):
            cursor.execute(f"DELETE FROM {table} WHERE work_id = %s", [work.pk])


def test_pairs_that_are_there_twice_are_counted(trail: Trail) -> None:
    work, ada = Work.objects.create(title="One", code="1"), Artist.objects.create(name="Ada")
    trail()
    Loan.objects.bulk_create([Loan(work=work, lender=ada), Loan(work=work, lender=ada)])
    Loan.objects.first().delete()
    assert [changes for _, _, _, changes in trail()] == [
        {"lenders": [[], [ada.pk, ada.pk]]},
        {"lenders": [[ada.pk, ada.pk], [ada.pk]]},
    ]


def test_set_null_of_a_deletion_is_recorded_before_it(trail: Trail) -> None:
    bob = Artist.objects.create(name="Bob")
    works = [Work.objects.create(title="W", code=str(at), keeper=bob) for at in range(2)]
    key = bob.pk
    trail()
    bob.delete()
    told = [(*record[:2], record[3]) for record in trail()]
    assert told[:2] == [("row.update", "museum.work", {"keeper": [key, None]})] * len(works)
    assert told[2][:2] == ("row.delete", "museum.artist")


def test_raw_sql_of_django_is_recorded_with_its_actor(trail: Trail) -> None:
    with acting(ADA, EventSource.ADMIN, metadata={"ip": "10.0.0.1"}, reason="because"):
        execute("INSERT INTO museum_artist (name, rank) VALUES (%s, 1)", "100%")
        execute("/* why */ UPDATE museum_artist SET rank = rank + 1")
        execute("WITH gone AS (DELETE FROM museum_artist RETURNING 1) SELECT count(*) FROM gone")
    rows = trail.rows()
    assert [row.action for row in rows] == ["row.create", "row.update", "row.delete"]
    assert {(row.actor_kind, row.actor_id, row.actor_label) for row in rows} == {("user", "7", "ada")}
    operation = rows[0].operation
    assert {row.operation_id for row in rows} == {operation.pk}
    assert (operation.source, operation.reason, operation.facts) == ("admin", "because", {"ip": "10.0.0.1"})


def test_another_program_is_recorded_as_the_login_of_the_database(trail: Trail) -> None:
    with connection.cursor() as cursor:
        cursor.cursor.execute("INSERT INTO museum_artist (name, rank) VALUES ('x', 1), ('y', 2)")
        cursor.cursor.execute("UPDATE museum_artist SET rank = 5")
        cursor.execute("SELECT session_user")
        login = cursor.fetchone()[0]
    rows = trail.rows()
    assert [row.action for row in rows] == ["row.create"] * 2 + ["row.update"] * 2
    assert {(row.actor_kind, row.actor_id, row.actor_label, row.mac) for row in rows} == {
        ("database", login, login, None)
    }
    assert {row.operation_id for row in rows} == {rows[0].operation.pk}
    assert rows[0].operation.source == "database"


def test_key_that_is_changed_by_sql_is_one_row_gone_and_one_new(trail: Trail) -> None:
    made = Artist.objects.create(name="Ada")
    trail()
    execute("UPDATE museum_artist SET id = id + 1000")
    gone, new = sorted(trail(), reverse=True)
    assert (gone[0], gone[2]) == ("row.delete", str(made.pk)) or (new[0], new[2]) == ("row.delete", str(made.pk))
    assert {gone[0], new[0]} == {"row.create", "row.delete"}


def test_truncate_records_every_row(trail: Trail) -> None:
    work = Work.objects.create(title="One", code="1")
    work.tags.add(Tag.objects.create(name="a"))
    trail()
    execute("SET CONSTRAINTS ALL IMMEDIATE")  # waiting checks would refuse it
    execute("TRUNCATE museum_work CASCADE")
    assert sorted(record[0] for record in trail()) == ["row.delete", "row.update"]


def test_rolled_back_write_leaves_nothing_and_the_next_one_is_told_whole(trail: Trail) -> None:
    with acting(ADA, EventSource.ADMIN):
        outer = transaction.savepoint()
        Artist.objects.create(name="Ada")
        transaction.savepoint_rollback(outer)
        assert trail() == []
        sid = transaction.savepoint()
        Artist.objects.create(name="Eve")
        transaction.savepoint_rollback(sid)
        Artist.objects.create(name="Bob")
    rows = trail.rows()
    assert [(row.changes["name"], row.actor_id) for row in rows] == [([None, "Bob"], "7")]
    assert rows[0].operation.source == "admin"


def test_savepoint_that_sql_rolls_back_takes_no_actor_from_what_follows(trail: Trail) -> None:
    with acting(ADA, EventSource.ADMIN):
        execute("SAVEPOINT mine")
        Artist.objects.create(name="Ada")
        execute("  rollback TO SAVEPOINT mine")
        Artist.objects.create(name="Bob")
    assert [(row.changes["name"], row.actor_id) for row in trail.rows()] == [([None, "Bob"], "7")]


def test_table_that_is_named_in_capitals_is_announced(trail: Trail) -> None:
    with acting(ADA, EventSource.ADMIN):
        execute("INSERT INTO MUSEUM_ARTIST (NAME, RANK) VALUES ('Ada', 0)")
    assert [row.actor_id for row in trail.rows()] == ["7"]


def test_actor_is_told_once_in_a_transaction_and_reads_tell_nothing(
    trail: Trail, django_assert_num_queries: Any
) -> None:
    Artist.objects.create(name="Ada")
    with acting(ADA, EventSource.ADMIN):
        with django_assert_num_queries(2):
            list(Artist.objects.all())
            execute("UPDATE museum_tag SET name = ''")
        with django_assert_num_queries(3):
            for name in "abc":
                Artist.objects.create(name=name)
    with acting(ADA, EventSource.API), django_assert_num_queries(2):
        Artist.objects.create(name="d")
        Artist.objects.filter(name="d").update(name="e")
    assert [row.operation.source for row in trail.rows()] == ["orm", "admin", "admin", "admin", "api", "api"]


@pytest.mark.parametrize("binding", [False, True], ids=["client", "server"])
def test_results_of_an_announced_statement_are_those_of_the_statement(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, *, binding: bool
) -> None:
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"server_side_binding": binding})
    Artist.objects.bulk_create([Artist(name="a%"), Artist(name="b")])
    with acting(ADA, EventSource.ADMIN):
        assert Artist.objects.filter(name="a%").update(rank=1) == 1
    with acting(ADA, EventSource.API), connection.cursor() as cursor:
        cursor.execute("UPDATE museum_artist SET rank = 2 WHERE name LIKE 'a%%' RETURNING name", [])
        assert (cursor.fetchall(), cursor.rowcount) == ([("a%",)], 1)
    with acting(ADA, EventSource.TASK), connection.cursor() as cursor:
        cursor.executemany("UPDATE museum_artist SET rank = %s WHERE name = %s", [(3, "a%"), (3, "b")])
    with acting(ADA, EventSource.PLUGIN), connection.cursor() as cursor:
        cursor.execute("DELETE FROM museum_artist WHERE name LIKE 'a%'")
        assert cursor.rowcount == 1
    with acting(ADA, EventSource.SYSTEM), connection.cursor() as cursor:
        cursor.execute("DELETE FROM museum_artist WHERE name = %(name)s", {"name": "b"})
    told = ["orm", "orm", "admin", "api", "task", "task", "plugin", "system"]
    assert [row.operation.source for row in trail.rows()] == told


def test_call_that_names_no_table_is_announced(trail: Trail) -> None:
    execute("CREATE FUNCTION pg_temp.meddle() RETURNS void LANGUAGE sql AS 'UPDATE museum_artist SET rank = 9'")
    Artist.objects.create(name="Ada")
    trail()
    with acting(ADA, EventSource.ADMIN):
        announce("default")
        execute("SELECT pg_temp.meddle()")
    assert [(row.changes, row.actor_id) for row in trail.rows()] == [({"rank": [0, 9]}, "7")]


def test_masked_and_encrypted_values_never_reach_the_trail() -> None:
    follow(policy(Work, mask=frozenset({"title", "tags"}), encrypt=frozenset({"code", "height"})))
    trail = Trail()
    work = Work.objects.create(title="secret", code="hidden", height=None)
    work.tags.add(Tag.objects.create(name="a"))
    Work.objects.update(title="other", code="another", height=2)
    work.delete()
    changed = [changes for action, _, _, changes in trail() if action != "row.values"]
    created, tagged, updated, _untagged, deleted = changed
    assert created["title"] == ["***", "***"]
    assert created["code"] == [None, {"$enc": None}]
    assert "height" not in created
    assert tagged == {"tags": ["***", "***"]}
    assert updated == {
        "title": ["***", "***"], "code": [{"$enc": None}] * 2, "height": [{"$enc": None}] * 2
    }  # fmt: skip
    assert deleted["title"] == ["***", "***"]
    assert deleted["code"] == [{"$enc": None}, None]
    told = " ".join(str(row.changes) for row in AuditRecord.objects.all())
    assert not [word for word in ("secret", "hidden", "other", "another") if word in told]


def test_policy_says_which_fields_and_actions_are_told() -> None:
    follow(policy(Artist, fields=frozenset({"rank"}), actions=frozenset({"row.update"})))
    trail = Trail()
    made = Artist.objects.create(name="Ada")
    Artist.objects.update(name="Bob")
    Artist.objects.update(rank=2)
    made.delete()
    assert [record[0::3] for record in trail()] == [("row.update", {"rank": [0, 2]})]


def test_metadata_is_left_out_where_the_policy_says_so() -> None:
    follow(policy(Artist, include_metadata=False), policy(Tag))
    trail = Trail()
    with acting(ADA, EventSource.ADMIN, metadata={"ip": "10.0.0.1"}):
        Artist.objects.create(name="Ada")
        Tag.objects.create(name="t")
    artist, tag = trail.rows()
    assert (artist.operation.facts, tag.operation.facts) == ({}, {"ip": "10.0.0.1"})
    assert artist.operation.correlation_id == tag.operation.correlation_id


def test_operation_that_the_trigger_stored_is_the_one_that_macs_of_the_same_act_cover() -> None:
    follow(policy(Artist), AuditPolicy(model_label="museum.tag"))
    trail = Trail()
    eve = Actor(ActorKind.USER, "8", "eve ü")
    with acting(ADA, EventSource.ADMIN, metadata={"ip": "10.0.0.1", "n": "é%"}, impersonator=eve, reason="it's so"):
        Artist.objects.create(name="Ada")
        Tag.objects.create(name="t")
    artist, tag = trail.rows()
    assert artist.operation == tag.operation
    assert (artist.mac, check_mac(tag)) == (None, MacCheck.RIGHT)


def test_missing_reason_refuses_the_write_of_a_person() -> None:
    follow(policy(Artist, reason_required=True))
    refused = pytest.raises(ReasonRequiredError, match=r"museum\.artist needs a reason")
    with acting(ADA, EventSource.ADMIN), refused, transaction.atomic():
        Artist.objects.create(name="Ada")
    with acting(ADA, EventSource.ADMIN, reason="new"):
        Artist.objects.create(name="Ada")
    assert Artist.objects.count() == 1


def test_other_error_of_the_database_stays_what_it_is(trail: Trail) -> None:
    with pytest.raises(DatabaseError, match="museum_artist"), transaction.atomic():
        execute("UPDATE museum_artist SET nothing = 1")


def test_inherited_fields_are_told_under_the_followed_child() -> None:
    follow(policy(Hall))
    trail = Trail()
    hall = Hall.objects.create(name="Big", seats=5)
    Place.objects.create(name="Other")
    Place.objects.update(name="New")
    hall.delete()
    assert [record[0::3] for record in trail()] == [
        ("row.create", {"name": [None, "Big"], "open": [None, True], "seats": [None, 5]}),
        ("row.update", {"name": ["Big", "New"]}),
        ("row.delete", {"name": ["New", None], "open": [True, None], "seats": [5, None]}),
    ]


def test_claim_of_a_login_that_is_not_trusted_is_not_believed(settings: Any) -> None:
    settings.GRIDKIT = {"AUDIT_DATABASE_ROLES": ["somebody_else"]}
    follow(policy(Artist))
    trail = Trail()
    with acting(ADA, EventSource.ADMIN):
        Artist.objects.create(name="Ada")
    assert [row.actor_kind for row in trail.rows()] == ["database"]


def test_role_without_rights_on_the_trail_leaves_records_and_can_do_no_more(trail: Trail) -> None:
    execute("CREATE ROLE gk_clerk")
    execute("GRANT ALL ON museum_artist TO gk_clerk")
    execute("GRANT USAGE ON SEQUENCE museum_artist_id_seq TO gk_clerk")
    execute("GRANT CREATE ON SCHEMA public TO gk_clerk")
    execute("SET LOCAL ROLE gk_clerk")
    execute("INSERT INTO museum_artist (name, rank) VALUES ('clerk', 0)")
    for refused in (
        "DELETE FROM gridkit_django_auditrecord",
        (
            "CREATE TABLE bait (name text); CREATE TRIGGER forged AFTER INSERT ON bait FOR EACH STATEMENT "
            "EXECUTE FUNCTION gridkit_audit_insert_museum_artist()"
        ),
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            execute(refused)
    execute("RESET ROLE")
    assert [record[0] for record in trail()] == ["row.create"]


def test_search_path_of_the_writer_cannot_lead_the_trigger_astray(trail: Trail) -> None:
    execute("CREATE SCHEMA trap")
    execute("CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'")
    execute("CREATE TABLE trap.gridkit_django_auditrecord (LIKE public.gridkit_django_auditrecord)")
    execute("SET LOCAL search_path = trap, pg_catalog, public")
    execute("INSERT INTO public.museum_artist (name, rank) VALUES ('x', 0)")
    execute("SET LOCAL search_path = public")
    assert [record[0] for record in trail()] == ["row.create"]


def test_texts_are_compared_by_their_bytes_whatever_the_collation_says(trail: Trail) -> None:
    codes = {code.function: code.body for code in Triggers(connection, audit_policies().table).expected()}
    assert 'o."name" COLLATE "C" IS DISTINCT FROM n."name" COLLATE "C"' in codes["gridkit_audit_update_museum_artist"]


def test_without_triggers_the_orm_is_captured_so_that_nothing_is_lost() -> None:
    audit_policies().set(OWNER, [policy(Artist)])
    trail = Trail()
    Artist.objects.create(name="Ada")
    assert [(row.action, row.mac is None) for row in trail.rows()] == [("row.create", False)]
    apps.get_app_config("gridkit_django").strict_audit.forget()
