"""`manage.py gridkit_audit_triggers` and the check of databases: what is not as it should be is named."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection, models

from gridkit_django.audit.policies import SETTINGS, audit_policies, policies_of_settings
from gridkit_django.audit.triggers import Triggers
from gridkit_django.exceptions import AuditTriggerError
from gridkit_django.models import AuditRecord
from tests.museum.models import Artist

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

UPDATE = "gridkit_audit_update_museum_artist"


@pytest.fixture(autouse=True)
def strict(settings: Any) -> Iterator[Any]:
    settings.GRIDKIT = {"AUDIT_MODELS": {"museum.Artist": {"strict": True}}}
    yield settings
    audit_policies().drop(SETTINGS)


def triggers(*words: str) -> str:
    out = StringIO()
    call_command("gridkit_audit_triggers", *words, stdout=out)
    return out.getvalue()


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def advice() -> list[str]:
    return [str(item.msg) for item in run_checks(databases=["default"]) if item.id == "gridkit.W201"]


@pytest.mark.postgres_only
def test_install_and_remove_bring_and_take_all_and_can_be_repeated(strict: Any) -> None:
    assert "4 triggers installed." in triggers("install")
    assert "The triggers are as they should be." in triggers("install")
    assert "4 triggers are as they should be." in triggers("check")
    assert advice() == []
    with pytest.raises(CommandError, match=r"museum\.artist"):
        triggers("remove")
    assert triggers("remove", "--dry-run").count("DROP FUNCTION") == 4
    assert "4 triggers removed." in triggers("remove", "--force")
    assert "0 triggers removed." in triggers("remove", "--force")


@pytest.mark.postgres_only
def test_dry_run_prints_the_sql_and_changes_nothing() -> None:
    shown = triggers("install", "--dry-run")
    assert shown.count("CREATE OR REPLACE TRIGGER") == 4
    assert shown == triggers("install", "--dry-run")
    assert len(Triggers(connection, audit_policies().table).drift()) == 4


FAULTS = [
    (f"DROP TRIGGER gridkit_audit_update ON museum_artist; DROP FUNCTION {UPDATE}", "is missing"),
    ("DROP TRIGGER gridkit_audit_update ON museum_artist", "has a function, but no trigger"),
    ("ALTER TABLE museum_artist DISABLE TRIGGER gridkit_audit_update", "is disabled"),
    (f"ALTER FUNCTION {UPDATE} RESET ALL", "was changed by hand"),
    (f"ALTER FUNCTION {UPDATE} SECURITY INVOKER", "was changed by hand"),
    (f"COMMENT ON FUNCTION {UPDATE} IS 'GridKit strict audit 0'", "is of another state of the model or its policy"),
]


@pytest.mark.parametrize(("sql", "fault"), FAULTS, ids=[fault for _, fault in FAULTS])
@pytest.mark.postgres_only
def test_drift_is_named_and_install_puts_it_right(sql: str, fault: str) -> None:
    triggers("install")
    execute(sql)
    with pytest.raises(CommandError, match=f"museum_artist, update: {fault}"):
        triggers("check")
    assert advice() == [f"The audit trigger of museum_artist for update in the database 'default' {fault}."]
    triggers("install")
    assert "as they should be" in triggers("check")


@pytest.mark.postgres_only
def test_field_that_a_migration_adds_or_renames_is_noticed() -> None:
    triggers("install")
    field = models.IntegerField(null=True)
    field.set_attributes_from_name("age")
    field.model = Artist
    Artist._meta.local_fields.append(field)
    Artist._meta._expire_cache()
    audit_policies().drop(SETTINGS)
    try:
        audit_policies().set(SETTINGS, policies_of_settings({"museum.Artist": {"strict": True}}))
        assert len(advice()) == 4
    finally:
        Artist._meta.local_fields.remove(field)
        Artist._meta._expire_cache()


@pytest.mark.postgres_only
def test_model_that_is_not_strict_any_more_leaves_triggers_that_are_named_and_go(strict: Any) -> None:
    triggers("install")
    strict.GRIDKIT = {"AUDIT_MODELS": {"museum.Tag": {"strict": True}}}
    with pytest.raises(CommandError, match="not strict any more"):
        triggers("check")
    triggers("install")
    assert "4 triggers are as they should be." in triggers("check")


@pytest.mark.postgres_only
def test_table_that_cannot_have_triggers_is_named() -> None:
    execute("ALTER TABLE museum_artist RENAME TO elsewhere")
    with pytest.raises(CommandError, match="'museum_artist' is not there"):
        triggers("install")
    execute("CREATE VIEW museum_artist AS SELECT * FROM elsewhere")
    with pytest.raises(CommandError, match="'museum_artist' is no ordinary table"):
        triggers("install")
    assert advice() == []


@pytest.mark.postgres_only
def test_tables_in_several_schemas_are_refused() -> None:
    execute("CREATE SCHEMA other")
    execute("ALTER TABLE museum_artist SET SCHEMA other")
    execute("SET LOCAL search_path = public, other")
    with pytest.raises(CommandError, match=r"several schemas: \['other', 'public'\]"):
        triggers("install")


@pytest.mark.postgres_only
def test_missing_right_is_told_in_one_line() -> None:
    execute("CREATE ROLE gk_guest")
    execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO gk_guest")
    execute("SET LOCAL ROLE gk_guest")
    with pytest.raises(CommandError, match="The database refuses: permission denied for schema public"):
        triggers("install")


def test_database_that_is_not_postgresql_is_refused() -> None:
    if connection.vendor == "sqlite":
        with pytest.raises(CommandError, match="Strict mode needs PostgreSQL"):
            triggers("check")
        with pytest.raises(AuditTriggerError):
            Triggers(connection, audit_policies().table)
        assert advice() == []


def test_unknown_database_is_refused() -> None:
    with pytest.raises(CommandError, match="no database 'nowhere'; there are: default"):
        triggers("check", "--database", "nowhere")


def test_strict_model_on_sqlite_is_captured_at_the_orm() -> None:
    if connection.vendor == "sqlite":
        Artist.objects.create(name="Ada")
        assert AuditRecord.objects.get().action == "row.create"
