"""Saved views and states on the wire.

The state's shapes describe; ``gridkit_django.grids.state_gate`` reads and judges, for it knows the grid's columns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from gridkit_django.api.serializers.bodies import RequestBody, ResponseBody
from gridkit_django.api.serializers.grids import SortTerm
from gridkit_django.api.serializers.rows import (
    Aggregate,
    FilterAnd,
    FilterLeaf,
    FilterNot,
    FilterOr,
    GroupTerm,
    Pivot,
)

NAME_LENGTH = 100


class StateQuery(RequestBody):
    """What a state asks: parts of a rows request, and the rows of a window."""

    columns: list[str] | None = None
    sort: list[SortTerm] | None = None
    filter: FilterLeaf | FilterAnd | FilterOr | FilterNot | None = None
    search: str | None = None
    group: list[str | GroupTerm] | None = None
    aggregates: list[Aggregate] | None = None
    pivot: Pivot | None = None
    page_size: int | None = Field(default=None, ge=1)


class ColumnLayout(RequestBody):
    """How one column is laid out."""

    col: str
    hidden: bool | None = None
    width: int | None = Field(default=None, ge=1)
    """In CSS pixels."""
    pin: Literal["left", "right"] | None = None


class StateLayout(RequestBody):
    """How a state lays the grid out."""

    columns: list[ColumnLayout] | None = None
    """In their order; columns that are missing come after them."""


class StateBody(RequestBody):
    """A state of a grid."""

    v: Literal[1] = 1
    query: StateQuery | None = None
    layout: StateLayout | None = None


class ViewState(ResponseBody):
    """A state of a grid, as this user may see it."""

    v: Literal[1]
    query: dict[str, Any]
    """`columns`, `sort`, `filter`, `search`, `group`, `aggregates`, `pivot` as in a rows request, and `pageSize`."""
    layout: dict[str, Any]
    """`columns`: `[{"col", "hidden", "width", "pin"}]` in their order."""


class ViewGroup(ResponseBody):
    """The group that sees a view."""

    id: int
    name: str


class ViewEntry(ResponseBody):
    """One saved view in a list."""

    id: UUID
    name: str
    scope: Literal["private", "group", "public"]
    group: ViewGroup | None
    is_default: bool
    """Whether it is marked to open by default."""
    owner: str
    mine: bool
    """Whether you may change it."""
    created_at: datetime
    changed_at: datetime
    url: str


class ViewList(ResponseBody):
    """The saved views of a grid that the user may see."""

    results: list[ViewEntry]
    default: UUID | None
    """The view that the grid opens with for this user."""
    groups: list[ViewGroup]
    """The groups that this user may share views with."""


class ViewAnswer(ViewEntry):
    """One saved view with its state."""

    state: ViewState
    dropped: list[str]
    """JSON Pointers into the stored state: what stood there does not exist (any more) for you."""


class StateAnswer(ResponseBody):
    """The state in which the user left the grid."""

    state: ViewState | None
    """Null when there is none yet."""
    changed_at: datetime | None
    dropped: list[str]
    """JSON Pointers into the stored state: what stood there does not exist (any more) for you."""


class ViewCreateFields(RequestBody):
    """A new view, without its state."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH)
    scope: Literal["private", "group", "public"] = "private"
    group: int | None = None
    """A group that you are a member of, for the scope `group`."""
    is_default: bool = False


class ViewCreateRequest(ViewCreateFields):
    """A new view."""

    state: StateBody | None = None


class ViewCreateBody(ViewCreateFields):
    """A new view, as it is read: the gate reads the state."""

    state: dict[str, Any] | None = None


class ViewChangeFields(RequestBody):
    """What is to be other in a view, without its state."""

    name: str | None = Field(default=None, min_length=1, max_length=NAME_LENGTH)
    scope: Literal["private", "group", "public"] | None = None
    group: int | None = None
    is_default: bool | None = None


class ViewChangeRequest(ViewChangeFields):
    """What is to be other; what is left out stays."""

    state: StateBody | None = None


class ViewChangeBody(ViewChangeFields):
    """What is to be other, as it is read: the gate reads the state."""

    state: dict[str, Any] | None = None


class StateRequest(RequestBody):
    """A state to remember."""

    state: StateBody


class StateFields(RequestBody):
    """A state to remember, as it is read: the gate reads the state."""

    state: dict[str, Any]
