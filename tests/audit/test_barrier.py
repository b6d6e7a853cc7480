"""The barrier: the database refuses to change or remove what was recorded, whoever asks, except as it should go."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Model
from django.db.models.signals import post_migrate, pre_migrate

from gridkit_django.audit import Target, record
from gridkit_django.audit.barrier import Barrier
from gridkit_django.models import AuditCheckpoint, AuditOperation, AuditPurge, AuditRecord, AuditSeal, AuditSigningKey
from tests.shop.models import Customer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

APP = apps.get_app_config("gridkit_django")


def execute(sql: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def refused(*statements: str) -> None:
    """See each statement refused."""
    for statement in statements:
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            execute(statement)


def write() -> AuditRecord:
    return record("row.update", target=Target("shop.product", "1"), changes={"price": ["1", "2"]})


def test_records_and_operations_cannot_be_changed_or_removed_by_sql() -> None:
    write()
    refused(
        "UPDATE gridkit_django_auditrecord SET actor_id = 'x'",
        "DELETE FROM gridkit_django_auditrecord",
        "UPDATE gridkit_django_auditoperation SET reason = 'x'",
        "DELETE FROM gridkit_django_auditoperation",
    )
    assert AuditRecord.objects.count() == 1


def test_the_ways_around_the_model_are_refused_too() -> None:
    made = write()
    for way in (
        lambda: AuditRecord.objects.all()._raw_delete("default"),
        lambda: Model.delete(made),
    ):
        with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
            way()


@pytest.mark.postgres_only
def test_truncate_is_refused() -> None:
    write()
    for table in ("auditrecord", "auditoperation", "auditseal", "auditpurge"):
        refused(f"TRUNCATE gridkit_django_{table}")


def test_seals_receipts_and_what_proves_them_stay() -> None:
    AuditSeal.objects.create(
        number=1, spans=[[1, 1]], count=1, first_id=1, last_id=1, low=1, total=1, root=b"", previous=b"", digest=b"",
        key_id="k", signature=b"",
    )  # fmt: skip
    AuditPurge.objects.create(first_id=1, last_id=1, count=1, spans=[[1, 1]], leaves=[])
    checkpoint = AuditCheckpoint.objects.create(seal_number=1, total=1, digest=b"", text="", key_id="k", signature=b"")
    signing = AuditSigningKey.objects.create(key_id="k", public_key=b"x")
    refused(
        "UPDATE gridkit_django_auditseal SET total = 2",
        "DELETE FROM gridkit_django_auditseal",
        "UPDATE gridkit_django_auditpurge SET spans = '[]'",
        "DELETE FROM gridkit_django_auditpurge",
        "UPDATE gridkit_django_auditcheckpoint SET total = 2",
        "DELETE FROM gridkit_django_auditcheckpoint",
        "UPDATE gridkit_django_auditsigningkey SET key_id = 'l'",
        "DELETE FROM gridkit_django_auditsigningkey",
    )
    checkpoint.told_at = signing.retired_at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    checkpoint.save(update_fields=["told_at"])
    signing.save(update_fields=["retired_at"])


def test_only_what_a_receipt_names_can_go_and_operations_go_after_their_records() -> None:
    first, second, third = write(), write(), write()
    AuditPurge.objects.create(
        first_id=first.pk, last_id=third.pk, count=2, spans=[[first.pk, first.pk], [third.pk, third.pk]], leaves=[]
    )
    refused("DELETE FROM gridkit_django_auditrecord", f"DELETE FROM gridkit_django_auditrecord WHERE id = {second.pk}")
    execute("DELETE FROM gridkit_django_auditrecord WHERE id <> %s", second.pk)
    assert list(AuditRecord.objects.all()) == [second]
    refused("DELETE FROM gridkit_django_auditoperation")
    execute(
        "DELETE FROM gridkit_django_auditoperation WHERE NOT EXISTS "
        "(SELECT 1 FROM gridkit_django_auditrecord r WHERE r.operation_id = gridkit_django_auditoperation.id)"
    )
    assert list(AuditOperation.objects.all()) == [second.operation]


def test_lowered_barrier_lets_the_owner_pass_and_stands_again_afterwards() -> None:
    write()
    barrier = Barrier(connection)
    with barrier.lowered():
        execute("UPDATE gridkit_django_auditrecord SET actor_id = 'x'")
        execute("DELETE FROM gridkit_django_auditrecord")
    write()
    refused("DELETE FROM gridkit_django_auditrecord")
    assert barrier.stands()


def test_error_under_a_lowered_barrier_is_the_one_that_is_told() -> None:
    if connection.vendor == "postgresql":
        with pytest.raises(ProgrammingError, match="nothing"), transaction.atomic(), Barrier(connection).lowered():
            execute("UPDATE gridkit_django_auditrecord SET nothing = 1")


@pytest.mark.postgres_only
def test_setting_means_nothing_for_who_does_not_own_the_tables() -> None:
    write()
    execute("CREATE ROLE gk_app LOGIN")
    execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO gk_app")
    execute("SET SESSION AUTHORIZATION gk_app")
    try:
        with Barrier(connection).lowered():
            refused("DELETE FROM gridkit_django_auditrecord", "UPDATE gridkit_django_auditrecord SET actor_id = 'x'")
    finally:
        execute("RESET SESSION AUTHORIZATION")


@pytest.mark.postgres_only
def test_rights_are_taken_away_and_what_could_not_be_is_told() -> None:
    execute("CREATE ROLE gk_app LOGIN")
    execute("GRANT ALL ON gridkit_django_auditrecord TO gk_app, PUBLIC")
    barrier = Barrier(connection)
    assert barrier.revocation() == [
        'REVOKE DELETE, TRUNCATE, UPDATE ON "gridkit_django_auditrecord" FROM PUBLIC',
        'REVOKE DELETE, TRUNCATE, UPDATE ON "gridkit_django_auditrecord" FROM "gk_app"',
    ]
    told = barrier.revoke()
    assert [line.partition(":")[0] for line in told[:2]] == ["Done", "Done"]
    assert "owns the audit tables" in told[2]
    assert barrier.revocation() == []


@pytest.mark.postgres_only
def test_right_that_may_not_be_taken_is_named() -> None:
    execute("CREATE ROLE gk_app LOGIN")
    execute("GRANT UPDATE ON gridkit_django_auditrecord TO gk_app")
    execute("SET SESSION AUTHORIZATION gk_app")
    try:
        told = Barrier(connection).revoke()
    finally:
        execute("RESET SESSION AUTHORIZATION")
    assert [line.partition(":")[0] for line in told] == ["Not allowed"]


@pytest.mark.postgres_only
def test_partition_that_is_reached_by_its_own_name_is_guarded() -> None:
    execute("CREATE TABLE part (LIKE gridkit_django_auditrecord)")
    write()
    execute("INSERT INTO part SELECT * FROM gridkit_django_auditrecord")
    Barrier(connection).guard_partition("part")
    refused("TRUNCATE part", "DELETE FROM part")


def test_migrations_of_the_audit_tables_pass_and_others_find_it_standing() -> None:
    barrier, plan = Barrier(connection), [(SimpleNamespace(app_label="gridkit_django"), False)]
    pre_migrate.send(APP, using="default", plan=[(SimpleNamespace(app_label="shop"), False)])
    assert barrier.stands()
    pre_migrate.send(APP, using="default", plan=plan)
    assert not barrier.stands()
    write()
    execute("UPDATE gridkit_django_auditrecord SET actor_id = 'x'")
    post_migrate.send(APP, using="default", plan=plan, apps=apps, verbosity=0, interactive=False, app_config=APP)
    refused("UPDATE gridkit_django_auditrecord SET actor_id = 'y'")


def test_barrier_waits_for_tables_that_are_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(connection.introspection), "table_names", lambda *_args, **_kwargs: [])
    Barrier(connection).make()
    assert not Barrier(connection).stands()


def test_other_database_has_no_barrier(django_assert_num_queries: Callable[..., Any]) -> None:
    elsewhere: Any = SimpleNamespace(vendor="oracle", alias="default")
    with django_assert_num_queries(0):
        Barrier(elsewhere).make()
        Barrier(elsewhere).make_for_records()
        Barrier(elsewhere).drop()
        Barrier(elsewhere).guard_partition("x")
    assert not Barrier(elsewhere).stands()
    assert Barrier(elsewhere).revocation() == []


@pytest.mark.django_db(transaction=True)
def test_flush_empties_the_audit_tables_too_and_leaves_the_barrier_standing() -> None:
    write()
    Customer.objects.create(name="Ada", email="a@example.org")
    call_command("flush", interactive=False, verbosity=0)
    assert (AuditRecord.objects.count(), Customer.objects.count()) == (0, 0)
    write()
    refused("DELETE FROM gridkit_django_auditrecord")


@pytest.mark.postgres_only
def test_database_without_audit_tables_needs_no_barrier() -> None:
    with transaction.atomic():
        execute("CREATE SCHEMA nothing")
        execute("SET LOCAL search_path = nothing")
        Barrier(connection).make()
        assert not Barrier(connection).stands()
        transaction.set_rollback(True)
