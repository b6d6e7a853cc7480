"""The query contract of grids, as an assertion: few rows and many cost the same few SQL queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections
from django.test.utils import CaptureQueriesContext

from gridkit_django.api.serializers.rows import page_body
from gridkit_django.conf import settings
from gridkit_django.grids import Grid, GridAccess, GridQuery, fetch_rows
from gridkit_django.typing import User

QUERIES_MAX = 4
"""SQL queries of one question at most: rights, rows, count, and one for what a backend of the site may need."""

FEW = 10


def assert_query_contract(
    grid: type[Grid], user: User, query: Mapping[str, Any] | None = None, *, most: int = QUERIES_MAX
) -> None:
    """Check that a window of a grid costs the same number of SQL queries however many rows it shows.

    Rights are read anew for each window, and the rows are written as the API writes them, so whatever a column or a
    permission asks of the database is counted.

    Args:
        grid: the grid.
        user: on whose behalf it is read.
        query: what is asked, in the words of a rows request; its window is set here. None asks for all columns.
        most: SQL queries that a window may cost.

    Raises:
        AssertionError: when it costs more, or more for many rows than for few; the message lists the statements.
        ValueError: when the user sees too few rows to tell.
    """
    uncounted = {**(query or {}), "count": "none"}  # the end of the rows shows their number, which spares a query
    few = _statements(grid, user, uncounted, FEW)
    many = _statements(grid, user, uncounted, settings().PAGE_SIZE_MAX)
    if len(many) != len(few):
        listed = "\n".join(many)
        raise AssertionError(f"{FEW} rows cost {len(few)} SQL queries, more rows cost {len(many)}:\n{listed}")
    counted = _statements(grid, user, query or {}, FEW)
    if len(counted) > most:
        listed = "\n".join(counted)
        raise AssertionError(f"A window costs {len(counted)} SQL queries, more than {most}:\n{listed}")


def _statements(grid: type[Grid], user: User, query: Mapping[str, Any], size: int) -> list[str]:
    """Return the statements that one window of this size costs."""
    asked = GridQuery.from_dict({**query, "window": {"kind": "cursor", "size": size}})
    access = GridAccess(grid, _anew(user))
    connection = connections[grid.get_queryset().db]
    with CaptureQueriesContext(connection) as captured:
        _ = access.editable_columns  # reads the rights
        page = fetch_rows(access, asked)
        page_body(page)
    if len(page.rows) < min(size, FEW + 1):
        raise ValueError(f"The user sees {len(page.rows)} rows; store more than {FEW}, so that there is a difference.")
    return [str(statement["sql"]) for statement in captured.captured_queries]


def _anew(user: User) -> Any:
    """Return the user without the rights that the object has cached."""
    return get_user_model()._default_manager.get(pk=user.pk) if user.pk else user
