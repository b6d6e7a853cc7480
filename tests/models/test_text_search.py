"""What the migration of the text search leaves behind when it is taken back."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

MIGRATION = import_module("gridkit_django.migrations.0002_text_search")


@pytest.mark.django_db
def test_taken_back_on_sqlite_it_leaves_no_trigger_that_names_its_table() -> None:
    """With one, SQLite could make no table anew, so `migrate gridkit_django zero` ended in an error."""
    with connection.cursor() as cursor:
        named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE %s"
        assert cursor.execute(named, [f"%{MIGRATION.FTS}%"]).fetchall()

        MIGRATION.drop_text_search(apps, SimpleNamespace(connection=connection, execute=cursor.execute))

        assert cursor.execute(named, [f"%{MIGRATION.FTS}%"]).fetchall() == []
