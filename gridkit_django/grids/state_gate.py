"""States at the gate: refused when they are saved, trimmed when they are opened by somebody who may see less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from django.db import connections

from gridkit_django.exceptions import QueryError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.filters import FilterCompiler
from gridkit_django.grids.judging import ShapeJudge
from gridkit_django.grids.pointers import below
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.search import search_condition
from gridkit_django.grids.tree import Condition, FilterNode, Group, Negation
from gridkit_django.grids.view_state import (
    QUERY_PARTS,
    ColumnLayout,
    ViewState,
    read_layout,
    read_page_size,
    refuse_large_state,
    split_state,
    stored_state,
)
from gridkit_django.grids.zones import zone_of
from gridkit_django.typing import JSONObject

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpenedState:
    """A stored state, as far as it holds for whoever opened it.

    Attributes:
        state: what is left of it.
        dropped: where in the stored state something stood that is no more (JSON Pointers). A column that went away
            and one that the user may not see leave the same mark; neither is named.
    """

    state: ViewState
    dropped: tuple[str, ...] = ()


def read_state(access: GridAccess, raw: Any) -> ViewState:
    """Read a state that is to be saved, strictly.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryError: for anything else that this grid can't do.
        ViewError: when it is too large.
    """
    refuse_large_state(raw)
    return _Gate(access, strict=True).read(raw)


def open_state(access: GridAccess, stored: JSONObject, version: int) -> OpenedState:
    """Open a stored state: what does not hold for this user (any more) falls away, and the report says where it stood.

    Args:
        access: the grid and the user.
        stored: the state.
        version: the version of the schema that it was stored in.
    """
    gate = _Gate(access, strict=False)
    state = gate.taken("", lambda: gate.read(stored_state(stored, version)))
    return OpenedState(state or ViewState(), tuple(gate.dropped))


class _Gate:
    """Takes a state apart and judges each part alone.

    Args:
        access: the gate that the columns come through.
        strict: raise at the first fault; else note where it is and go on without that part.
    """

    def __init__(self, access: GridAccess, *, strict: bool) -> None:
        self._access = access
        self._strict = strict
        self._frame = Frame(zone_of(access), connections[access.queryset().db].vendor)
        self.dropped: list[str] = []

    def taken(self, at: str, read: Callable[[], T]) -> T | None:
        """Return what ``read`` gives, or None when it refuses and this gate only trims."""
        try:
            return read()
        except QueryError:
            if self._strict:
                raise
            self.dropped.append(at)
            return None

    def read(self, raw: Any) -> ViewState:
        """Read and judge a state.

        Raises:
            QueryError: when the state is none at all; in strict mode, for any fault.
        """
        query, layout = split_state(raw)
        parts = {
            part: value
            for part in QUERY_PARTS
            if query.get(part) is not None
            and (value := self.taken(f"/query/{part}", partial(_read_part, part, query[part]))) is not None
        }
        size, at = query.get("pageSize"), "/query/pageSize"
        places, there = layout.get("columns"), "/layout/columns"
        columns = None if places is None else self.taken(there, partial(read_layout, places, there))
        return ViewState(
            self._query(GridQuery(**parts)),
            None if size is None else self.taken(at, partial(read_page_size, size, at)),
            self._placed(columns or (), there),
        )

    def _query(self, query: GridQuery) -> GridQuery:
        left = ShapeJudge(self._access, self._frame, "/query", self.taken).judged(query)
        return replace(
            left,
            filter=None if query.filter is None else self._filter(query.filter, "/query/filter"),
            search=self._search(query.search),
        )

    def _placed(self, columns: Sequence[ColumnLayout], at: str) -> tuple[ColumnLayout, ...]:
        """Return the layouts of the columns that the user may see."""
        return tuple(
            item
            for index, item in enumerate(columns)
            if self.taken(f"{at}/{index}", partial(self._access.column, item.col, f"{at}/{index}/col"))
        )

    def _filter(self, node: FilterNode, at: str) -> FilterNode | None:
        """Return the tree without the conditions that don't hold; a group that held only such ones goes with them."""
        match node:
            case Group():
                kept = [self._filter(member, f"{at}/{node.join}/{index}") for index, member in enumerate(node.nodes)]
                nodes = tuple(member for member in kept if member is not None)
                return Group(node.join, nodes) if nodes else None
            case Negation():
                inner = self._filter(node.node, f"{at}/not")
                return None if inner is None else Negation(inner)
            case Condition():
                compiler = FilterCompiler(self._access, self._frame)
                return node if self.taken(at, lambda: (compiler.compile(node, at),)) else None

    def _search(self, text: str) -> str:
        def judged() -> str:
            with below("/query"):
                search_condition(self._access, text, self._frame)
            return text

        return (self.taken("/query/search", judged) or "") if text else ""


def _read_part(part: str, raw: Any) -> Any:
    with below("/query"):
        return getattr(GridQuery.from_dict({part: raw}), part)
