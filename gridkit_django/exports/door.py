"""Python's door to an export: by the name of the grid and in plain values, as a view, a command or a shell has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, Unpack
from uuid import UUID

from gridkit_django.exceptions import ExportOptionsError, QueryError, ViewError
from gridkit_django.exports.base import NO_OPTIONS
from gridkit_django.exports.creation import judge_request, request_export
from gridkit_django.exports.picking import page_of
from gridkit_django.exports.request import ExportRequest
from gridkit_django.grids.access import GridAccess, open_grid
from gridkit_django.grids.pointers import below, pointer
from gridkit_django.grids.query import QUERY, GridQuery
from gridkit_django.grids.selection import Selection
from gridkit_django.grids.strict import read_word
from gridkit_django.grids.view_state import ViewState
from gridkit_django.grids.views import OpenedView, get_view, open_view
from gridkit_django.models import Consistency, ExportJob, ExportSchedule
from gridkit_django.typing import JSONValue, MutableJSONObject, User

ROWS = ("all", "page")
_ROWS_MATTER = ("/query/filter", "/query/search", "/query/group")


class How(TypedDict, total=False):
    """What else ``create_export`` takes, by name."""

    options: Mapping[str, JSONValue]
    """Options of the format."""
    rows: str | Mapping[str, Any]
    """``all`` that match; or the ``page`` that the query's window names, as it is now; or picked rows as in a bulk
    change (``include``, or ``query`` and ``exclude``), where ``exclude`` alone stands for all that match but these."""
    view: UUID | str | None
    """Id of a saved view that the user may see; parts that the query names go before those of the view."""
    consistency: str
    """Of which moment the rows are: ``auto``, ``live`` (each segment has its own) or ``snapshot`` (one for all)."""
    notify: bool
    """Tell the owner by mail when it has ended."""
    schedule: ExportSchedule | None
    """The schedule by which it is made."""
    queue: bool
    """Let a worker carry it out, the default. If not, the caller does, with ``run_export``."""


def create_export(
    grid: str,
    query: GridQuery | Mapping[str, Any] | None,
    format: str,  # noqa: A002 - the word of the field
    user: User,
    **how: Unpack[How],
) -> ExportJob:
    """Ask for an export of a grid as a user; after the commit a worker is told.

    Args:
        grid: id of the grid.
        query: sort, filter, search and columns, as in a rows request; None for all rows as the grid has them.
        format: id of a format that an active plugin writes.
        user: who asks, and becomes the owner: the worker sees what they may see when it runs.
        how: ``options`` of the format, which ``rows``, a saved ``view``, and whether to ``queue`` it; see ``How``.

    Raises:
        GridNotFoundError: when there is no such grid, or the user may not open it.
        AccessDeniedError: when the user may not export it.
        QueryError: when query or selection can't be understood; the ``errors`` name the place.
        ViewNotFoundError: when there is no such view, or the user may not see it.
        ViewError: when the view filters by what the user may not see (any more).
        ExportError: as ``request_export`` says.
    """
    access = open_grid(grid, user)
    return request_export(access, _request(access, query, format, how))


def judge_export(
    grid: str,
    query: GridQuery | Mapping[str, Any] | None,
    format: str,  # noqa: A002 - the word of the field
    user: User,
    **how: Unpack[How],
) -> None:
    """Refuse what ``create_export`` would refuse, and make nothing.

    Raises:
        GridKitError: as ``create_export`` says.
    """
    access = open_grid(grid, user)
    judge_request(access, _request(access, query, format, how))


def _request(access: GridAccess, query: GridQuery | Mapping[str, Any] | None, name: str, how: How) -> ExportRequest:
    asked = _asked(access, query, how.get("view"))
    options = how.get("options", NO_OPTIONS)
    if not isinstance(options, Mapping):
        raise ExportOptionsError.at("/options", "Expected an object with the options of the format.")
    return ExportRequest(
        asked,
        name,
        options,
        _picked(access, asked, how.get("rows", "all")),
        queue=how.get("queue", True),
        consistency=how.get("consistency", Consistency.AUTO),
        notify=how.get("notify", False),
        schedule=how.get("schedule"),
    )


def view_query(access: GridAccess, view_id: UUID | str) -> MutableJSONObject:
    """Return what a saved view asks, with its columns in their order.

    Raises:
        ViewNotFoundError: when there is no such view, or the user may not see it.
        ViewError: when a part that says which rows does not hold for this user (any more): without it the file would
            have more rows than the view shows.
    """
    opened = open_view(access, get_view(access, view_id))
    if not keeps_its_rows(opened):
        raise ViewError(
            f"The view {opened.name!r} filters by what this grid does not have for you, so it can't be exported. "
            "Open it, and save it anew."
        )
    columns = _columns_of(access, opened.state)
    return {**opened.state.query_dict(), **({"columns": columns} if columns else {})}


def keeps_its_rows(opened: OpenedView) -> bool:
    """Whether a view gives the rows that it was saved for: nothing that says which ones is lost to this user."""
    return not any(at == "" or at.startswith(_ROWS_MATTER) for at in opened.dropped)


def _columns_of(access: GridAccess, state: ViewState) -> list[JSONValue]:
    """Return the columns that a view shows, in their order; the grid's other columns come after them."""
    hidden = {place.col for place in state.layout if place.hidden}
    order = list(dict.fromkeys([*(place.col for place in state.layout), *access.by_id]))
    asked = state.query.columns
    return [name for name in order if name not in hidden and (asked is None or name in asked)]


def _asked(access: GridAccess, query: GridQuery | Mapping[str, Any] | None, view: UUID | str | None) -> GridQuery:
    if isinstance(query, GridQuery):
        query = query.to_dict()
    with below(pointer(QUERY)):
        if query is not None and not isinstance(query, Mapping):
            raise QueryError.at("", "Expected an object with the keys of a query.")
        given = {key: value for key, value in (query or {}).items() if value is not None}
        return GridQuery.from_dict(given if view is None else {**view_query(access, view), **given})


def _picked(access: GridAccess, query: GridQuery, rows: str | Mapping[str, Any]) -> Selection | None:
    if isinstance(rows, str):
        return page_of(access, query) if read_word(rows, "/rows", ROWS) == "page" else None
    if not isinstance(rows, Mapping):
        raise QueryError.at("/rows", f"Expected one of {', '.join(ROWS)}, or an object that picks rows.")
    raw = dict(rows)
    if raw.get("exclude") and not raw.get("include") and raw.get("query") is None:
        written = query.to_dict()
        raw["query"] = {key: written[key] for key in ("filter", "search", "tz") if written[key]}
    return Selection.from_dict(raw)
