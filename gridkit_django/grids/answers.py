"""The one way in for a question about rows: plain, grouped or pivoted, with totals and facets beside."""

from __future__ import annotations

from dataclasses import replace

from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.facets import Facet, FacetQuery, fetch_facet
from gridkit_django.grids.figures import bind_figures
from gridkit_django.grids.group_rows import FIGURE, fetch_groups, plain
from gridkit_django.grids.labels import with_labels
from gridkit_django.grids.looks import note_page, note_use
from gridkit_django.grids.pivoting import fetch_pivot
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import RowsPage, fetch_window, matching_rows
from gridkit_django.grids.sensitive import used_columns
from gridkit_django.grids.time_limit import query_limit
from gridkit_django.typing import JSONValue


def fetch_rows(access: GridAccess, query: GridQuery) -> RowsPage:
    """Answer a query.

    The number of SQL queries does not depend on the number of rows: one reads the window, one counts (unless the window
    shows the number), one computes totals, two pivot, one for each facet, one reads labels.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        CursorError: when the window's cursor is none of this site's.
        CursorMismatchError: when it belongs to another question.
        QueryLimitError: for a pivot over its limit.
        QueryError: for anything else that this grid can't answer.
    """
    page = _page(access, query)
    if query.include.totals:
        page = replace(page, totals=fetch_totals(access, query))
    if query.include.facets:
        asked = FacetQuery(query)
        facets = {
            name: fetch_facet(access, name, asked, f"/include/{query.include.place}/facets/{index}").to_dict()
            for index, name in enumerate(query.include.facets)
        }
        page = replace(page, facets=facets)
    if query.include.labels:
        page = with_labels(access, query, page)
    note_page(access, page)
    return page


def answer_facet(access: GridAccess, name: str, asked: FacetQuery) -> Facet:
    """Count the values of a column as ``fetch_facet`` does, and let the audit trail know where they are sensitive."""
    found = fetch_facet(access, name, asked)
    note_use(access, {name, *used_columns(access.grid, asked.query)})
    return found


def fetch_totals(access: GridAccess, query: GridQuery) -> dict[str, JSONValue]:
    """Compute the aggregates of a query over all rows that filter and search leave, whatever its path.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for anything else that this grid can't answer.
    """
    rows, frame = matching_rows(access, query.with_changes(path=()))
    figures = bind_figures(access, query.aggregates, FIGURE)
    with query_limit(rows.db):
        found = plain(rows).aggregate(**{figure.annotation: figure.expression for figure in figures})
    return {figure.name: figure.to_wire(found[figure.annotation], frame.zone) for figure in figures}


def _page(access: GridAccess, query: GridQuery) -> RowsPage:
    if query.pivot is not None:
        return fetch_pivot(access, query, query.pivot)
    return fetch_groups(access, query) if query.is_grouped else fetch_window(access, query)
