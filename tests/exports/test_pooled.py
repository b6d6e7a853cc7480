"""Behind a pooler that lends a connection for a transaction: an export leaves nothing on it, and counts on nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from gridkit_django.exports import create_export, run_export
from gridkit_django.models import JobState
from tests.exports.shop import GRID, products

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.both_databases,
    pytest.mark.postgres_only,
]

LEFT = """
    SELECT current_setting('TimeZone'), current_setting('DateStyle'), current_setting('statement_timeout'),
        (SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_prepared_statements),
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
"""


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
@pytest.mark.parametrize("consistency", ["live", "snapshot"])
def test_an_export_leaves_nothing_on_the_connection_and_opens_no_cursor(
    ann: User, monkeypatch: pytest.MonkeyPatch, form: str, consistency: str
) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", value=True)
    products(30)
    job = create_export(GRID, {"tz": "Asia/Kathmandu"}, form, ann, consistency=consistency)
    seen: list[str] = []

    def note(execute: Any, sql: Any, *rest: Any) -> Any:
        seen.append(str(sql))
        return execute(sql, *rest)

    before = left()
    with connection.execute_wrapper(note):
        run_export(job.pk)
    job.refresh_from_db()
    assert (job.state, job.rows_done) == (JobState.FINISHED, 30)
    assert left() == before
    assert not [sql for sql in seen if sql.startswith(("DECLARE", "SET ", "PREPARE", "LISTEN"))]


def left() -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(LEFT)
        return cursor.fetchone()  # type: ignore[no-any-return]
