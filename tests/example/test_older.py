"""Databases that an earlier state of the code made."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from example_project.flights.older import OlderDatabaseError, require_known

APP = "gridkit_django"
LAST = "0036_storage_versions"


@pytest.mark.django_db
def test_database_of_now_and_one_of_all_earlier_migrations_are_known():
    require_known(connection)
    MigrationRecorder(connection).record_unapplied(APP, "0001_tables")
    require_known(connection)


@pytest.mark.django_db
def test_database_of_some_earlier_migrations_is_refused_with_what_to_do():
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(APP, "0001_tables")
    recorder.record_unapplied(APP, LAST)

    with pytest.raises(OlderDatabaseError, match=r"has 34 of the 35 migrations that 0001_tables stands for.*Delete it"):
        require_known(connection)
