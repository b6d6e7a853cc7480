"""Grids and their schemas on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gridkit_django.api.serializers.bodies import ResponseBody


class GridPermissions(ResponseBody):
    """What the user may do in a grid."""

    edit: bool
    create: bool
    delete: bool
    export: bool


class GridEntry(ResponseBody):
    """One grid that the user may open."""

    id: str
    label: str
    url: str
    """Address of the grid in this API; its endpoints lie below."""
    permissions: GridPermissions


class GridList(ResponseBody):
    """The grids that the user may open."""

    results: list[GridEntry]


class ColumnChoice(ResponseBody):
    """One value of a column with choices."""

    value: str | int | float | bool
    label: str


class FilterPart(ResponseBody):
    """One member of a filter's value that is an object."""

    key: str
    type: str


class ColumnFilter(ResponseBody):
    """A named filter of a column, for the op ``filter``."""

    name: str
    label: str
    type: str
    """Of one plain value; ``object`` for a value with ``parts``, ``key`` for the key of a row of another table."""
    many: bool
    """Whether the value is a list."""
    parts: list[FilterPart] | None
    """The members of a value that is an object, like the ends of a range."""
    choices: list[ColumnChoice] | None


class ColumnSchema(ResponseBody):
    """One column that the user may see."""

    id: str
    label: str
    type: str
    nullable: bool
    ops: list[str]
    """Operators that a filter on this column may use."""
    sortable: bool
    filterable: bool
    searchable: bool
    editable: bool
    editor: str | None
    groupable: bool
    """Whether rows can be grouped by it, and its values be counted (facets)."""
    aggregates: list[str]
    """Functions that an aggregate may use on this column."""
    periods: list[str]
    """Periods that its days can be grouped by."""
    lookup: str | None
    """The grid whose rows are the values to choose from; null for the values that occur."""
    choices: list[ColumnChoice] | None
    filters: list[ColumnFilter]
    """Filters of django-filter that the grid offers for this column."""
    description: str
    width: int | None
    format: dict[str, Any] | None
    """Options of ``Intl.NumberFormat`` or ``Intl.DateTimeFormat``; numbers have a ``prefix`` and a ``suffix`` too."""


class SchemaPermissions(GridPermissions):
    """What the user may do in a grid, and with views of it."""

    share: bool
    """Whether the user may share views with everybody."""


class SchemaLimits(ResponseBody):
    """The most that one query may ask for; more is refused with ``query-limit-exceeded``."""

    page_size: int
    depth: int
    nodes: int
    in_list: int
    values: int
    sort: int
    groups: int
    aggregates: int
    pivot_columns: int
    search_length: int
    events: int
    """Events in one report."""
    views: int
    """Saved views of one person, over all grids."""
    state_bytes: int
    """Bytes of a state as JSON."""


class SortTerm(ResponseBody):
    """One term of a sort."""

    col: str
    dir: Literal["asc", "desc"]
    nulls: Literal["first", "last"] | None = None


class MethodEntry(ResponseBody):
    """One method that plugins offer on a grid."""

    name: str
    label: str
    plugin: str
    json_schema: dict[str, Any] = Field(alias="schema")
    """JSON Schema (2020-12) of the arguments."""


class MethodList(ResponseBody):
    """The methods of a grid that the user may call."""

    results: list[MethodEntry]


class DefaultState(ResponseBody):
    """How the grid opens."""

    sort: list[SortTerm]
    columns: list[str]
    page_size: int


class GridSchema(ResponseBody):
    """What a front end must know about a grid, as this user may see it."""

    v: Literal[1]
    id: str
    label: str
    columns: list[ColumnSchema]
    limits: SchemaLimits
    relative: list[str]
    """Names of the spans that the operator ``relative`` takes."""
    permissions: SchemaPermissions
    methods: list[MethodEntry]
    default_state: DefaultState
    audit_reason: Literal["required", "optional"] | None
    """Whether people are asked why they change a row: the `reason` of a change."""
    time_zone: str
    remember_devices: bool
    """Whether session and browser may be told apart by random ids that the browser keeps: `X-GridKit-Visit`."""
