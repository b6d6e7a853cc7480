"""Queries, windows of rows and single records on the wire.

The query's shapes describe; ``gridkit_django.grids.query`` reads and judges, for it knows the grid's columns.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.api.serializers.grids import SortTerm
from gridkit_django.grids.rows import RowsPage


class FilterLeaf(RequestBody):
    """One condition on one column."""

    col: str
    op: str
    """One of the column's ``ops`` in the grid's schema."""
    value: Any = None
    to: Any = None
    """The upper bound of ``between``."""
    ci: bool = True
    """False compares text with regard to case."""
    name: str | None = None
    """For the op ``filter``: which of the column's ``filters`` in the grid's schema."""


class FilterAnd(RequestBody):
    """All of these."""

    nodes: list[FilterLeaf | FilterAnd | FilterOr | FilterNot] = Field(alias="and")


class FilterOr(RequestBody):
    """Any of these."""

    nodes: list[FilterLeaf | FilterAnd | FilterOr | FilterNot] = Field(alias="or")


class FilterNot(RequestBody):
    """Not this."""

    node: FilterLeaf | FilterAnd | FilterOr | FilterNot = Field(alias="not")


class CursorWindow(RequestBody):
    """A window after or before a row; ``next`` and ``prev`` of an answer are such cursors."""

    kind: Literal["cursor"]
    after: str | None = None
    before: str | None = None
    size: int | None = None


class OffsetWindow(RequestBody):
    """A window by position: rows ``start`` up to, but not including, ``end``."""

    kind: Literal["offset"]
    start: int
    end: int


class GroupTerm(RequestBody):
    """One level of groups."""

    col: str
    by: Literal["day", "week", "month", "quarter", "year"] | None = None
    """The period that days and points in time are grouped by."""


class Aggregate(RequestBody):
    """One figure over the rows of each group."""

    col: str | None = None
    """Left out, ``count`` counts rows."""
    fn: Literal["count", "countDistinct", "sum", "avg", "min", "max"]
    name: str | None = Field(default=None, alias="as")
    """The key under which it is answered; ``<fn>_<col>`` when it is left out."""


class Pivot(RequestBody):
    """Figures for each value of some columns, beside each other."""

    cols: list[str | GroupTerm]
    values: list[Aggregate] | None = None
    """The figures; left out, the aggregates of the request."""


class IncludeFacets(RequestBody):
    """Columns whose values are counted beside the rows."""

    facets: list[str]


class FacetRequest(RequestBody):
    """A question for the values of a column; the filter and search are those of the rows."""

    v: Literal[1] = 1
    filter: FilterLeaf | FilterAnd | FilterOr | FilterNot | None = None
    """What it says about this column alone plays no part."""
    search: str = ""
    tz: str | None = None
    q: str = ""
    """Only values in which this is found."""
    order: Literal["count", "value"] = "count"
    after: str | None = None
    size: int = 50


class FacetValue(ResponseBody):
    """One value of a column."""

    value: Any
    """Null stands for the rows without a value."""
    label: str | None
    count: int


class FacetAnswer(ResponseBody):
    """The values of a column."""

    values: list[FacetValue]
    has_next: bool
    next: str | None


class LookupRequest(RequestBody):
    """A question for the values that a cell may be given."""

    q: str = ""
    """Only options in which this is found."""
    after: str | None = None
    size: int = 50


class LookupOption(ResponseBody):
    """One value to choose."""

    value: Any
    label: str


class LookupAnswer(ResponseBody):
    """Values to choose from."""

    options: list[LookupOption]
    has_next: bool
    next: str | None


class RowsRequest(RequestBody):
    """A question to a grid. Everything may be left out."""

    v: Literal[1] = 1
    columns: list[str] | None = None
    sort: list[SortTerm] = Field(default_factory=list)
    filter: FilterLeaf | FilterAnd | FilterOr | FilterNot | None = None
    search: str = ""
    window: CursorWindow | OffsetWindow | None = None
    count: Literal["none", "capped", "estimated", "exact"] = "capped"
    tz: str | None = None
    """IANA name of the time zone that dates in filters are meant in."""
    group: list[str | GroupTerm] = Field(default_factory=list)
    """The levels of groups, outermost first."""
    path: list[Any] = Field(default_factory=list)
    """Keys of the groups that lead to the rows asked for; null is a key too."""
    aggregates: list[Aggregate] = Field(default_factory=list)
    pivot: Pivot | None = None
    include: list[Literal["totals", "labels"] | IncludeFacets] = Field(default_factory=list)
    view: UUID | None = None
    """A saved view: it says what the request leaves out."""


class GroupAnswer(ResponseBody):
    """What makes a row a group."""

    key: Any
    label: str | None
    child_count: int
    level: int
    expandable: bool
    """Whether groups are inside; in the innermost groups, rows are."""


class Row(ResponseBody):
    """One row, or one group of rows."""

    id: str | int
    v: str
    """Version token: send it as ``If-Match`` with an edit. Empty for a group."""
    d: dict[str, Any]
    """Column id to value: decimals as text, dates as ISO 8601. Figures stand under their names."""
    g: GroupAnswer | None = None
    """Left out for a plain row."""
    s: dict[str, str] | None = None
    """Column id to the classes of a cell that a style of its column fits; left out when there are none."""


class WindowAnswer(ResponseBody):
    """Where the window lies."""

    start: int | None
    has_next: bool
    next: str | None
    prev: str | None


class CountAnswer(ResponseBody):
    """How many rows there are, and how sure that is."""

    value: int | None
    certainty: Literal["exact", "atLeast", "estimate", "unknown"] = Field(alias="is")


class RowsMeta(ResponseBody):
    """Facts about the answer."""

    request_id: str
    schema_etag: str
    """Changes when the grid's schema changes for this user; fetch it again then."""
    ms: float
    """Milliseconds on the server."""


class RowsAnswer(ResponseBody):
    """A window of rows."""

    rows: list[Row]
    window: WindowAnswer
    count: CountAnswer
    state: dict[str, Any]
    """The query as it was understood."""
    dropped: list[str]
    """JSON Pointers to sort terms that play no part at this level of groups, and below `/view` to what a saved view
    names and does not exist (any more) for you."""
    totals: dict[str, Any] | None = None
    """Left out unless they were asked for."""
    pivot_fields: list[dict[str, Any]] | None = None
    """Left out without a pivot."""
    facets: dict[str, FacetAnswer] | None = None
    """Left out unless they were asked for."""
    labels: dict[str, list[LookupOption]] | None = None
    """What people read for keys of other grids' rows, by column; left out unless they were asked for."""
    meta: RowsMeta


class RecordAnswer(ResponseBody):
    """One row."""

    row: Row


def page_body(page: RowsPage) -> dict[str, Any]:
    """Return a window of rows as it goes over the wire, without ``meta``."""
    more = {"totals": page.totals, "pivotFields": page.pivot_fields, "facets": page.facets, "labels": page.labels}
    return {
        "rows": [row.to_dict() for row in page.rows],
        "window": page.window.to_dict(),
        "count": page.count.to_dict(),
        "state": page.query.to_dict(),
        "dropped": list(page.dropped),
        **{key: value for key, value in more.items() if value is not None},
    }
