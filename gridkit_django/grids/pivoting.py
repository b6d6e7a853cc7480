"""Pivots: the figures of each group once for every value of some columns, beside each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet

from gridkit_django.conf import settings
from gridkit_django.exceptions import QueryLimitError
from gridkit_django.grids.access import GridAccess
from gridkit_django.grids.columns.frame import Frame
from gridkit_django.grids.counting import Count as RowCount
from gridkit_django.grids.counting import CountKind
from gridkit_django.grids.figures import Figure, bind_figures
from gridkit_django.grids.group_rows import KEY, Level, fetch_level, plain
from gridkit_django.grids.groups import Aggregate, Pivot
from gridkit_django.grids.judging import ShapeJudge
from gridkit_django.grids.keys import GROUPS_AT_ONCE, GroupKey, bind_key, in_groups
from gridkit_django.grids.query import GridQuery
from gridkit_django.grids.rows import Row, RowsPage, WindowInfo, matching_rows
from gridkit_django.grids.time_limit import query_limit
from gridkit_django.typing import JSONValue, MutableJSONObject

PIVOT = "gridkit_pivot"
VALUE = "gridkit_value"

Keys = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PivotPlan:
    """A pivot that passed the gate.

    Attributes:
        keys: the columns whose values go across.
        figures: what is computed for each of them.
    """

    keys: tuple[GroupKey, ...]
    figures: tuple[Figure, ...]

    @property
    def annotations(self) -> tuple[str, ...]:
        """The names that the keys are read by."""
        return tuple(key.key.path for key in self.keys)

    def across(self, rows: QuerySet[Any]) -> list[Keys]:
        """Return the values that go across, in order; rows without a value come last.

        Raises:
            QueryLimitError: when that makes more columns than ``PIVOT_COLUMNS_MAX``.
        """
        keyed = rows.annotate(**{key.key.path: key.expression for key in self.keys}).order_by()
        most = settings().PIVOT_COLUMNS_MAX // len(self.figures)
        with query_limit(rows.db):
            found = list(keyed.values_list(*self.annotations).distinct()[: most + 1])
        if len(found) > most:
            raise QueryLimitError.at(
                "/pivot/cols",
                f"The pivot makes more than {settings().PIVOT_COLUMNS_MAX} columns. Filter the rows, or pivot by "
                "columns with fewer values.",
            )
        return sorted(found, key=lambda keys: [(value is None, value if value is not None else 0) for value in keys])

    def fields(self, across: Sequence[Keys]) -> tuple[MutableJSONObject, ...]:
        """Describe the columns that the pivot makes."""
        return tuple(
            {
                "field": self.field(keys, figure),
                "keys": [key.to_wire(value) for key, value in zip(self.keys, keys, strict=True)],
                "labels": [key.label(value) for key, value in zip(self.keys, keys, strict=True)],
                "value": figure.name,
            }
            for keys in across
            for figure in self.figures
        )

    def field(self, keys: Keys, figure: Figure) -> str:
        """Return the name of one made column: JSON, so that no value can be mistaken for a separator."""
        wires = [key.to_wire(value) for key, value in zip(self.keys, keys, strict=True)]
        return json.dumps([*wires, figure.name], ensure_ascii=False, separators=(",", ":"))

    def cells(self, values: Sequence[Any], keys: Keys) -> dict[str, JSONValue]:
        """Return the figures of one cell of the pivot, by the names of its columns."""
        zone = self.keys[0].frame.zone
        return {
            self.field(keys, figure): figure.to_wire(value, zone)
            for figure, value in zip(self.figures, values, strict=True)
        }


def plan_pivot(access: GridAccess, pivot: Pivot, aggregates: Sequence[Aggregate], frame: Frame) -> PivotPlan:
    """Bind a pivot that was judged."""
    values = pivot.values or tuple(aggregates)
    keys = tuple(
        bind_key(access, term, f"{PIVOT}{index}", frame, f"/pivot/cols/{index}")
        for index, term in enumerate(pivot.cols)
    )
    return PivotPlan(keys, bind_figures(access, values, VALUE, "/pivot/values" if pivot.values else "/aggregates"))


def fetch_pivot(access: GridAccess, query: GridQuery, pivot: Pivot) -> RowsPage:
    """Answer a query with a pivot: groups with figures across, or without groups one line of them.

    Two SQL queries more than without the pivot, however many columns there are; a window of more than
    ``GROUPS_AT_ONCE`` groups takes one more for each further so many.

    Raises:
        UnknownColumnError: for a column that does not exist or that the user may not see; no difference shows.
        QueryLimitError: when the pivot makes too many columns.
        QueryError: for anything else that this grid can't answer.
    """
    rows, frame = matching_rows(access, query)
    ShapeJudge(access, frame).judged(query)
    plan = plan_pivot(access, pivot, query.aggregates, frame)
    rows = plain(rows)
    across = plan.across(rows)
    page = _one_line(query) if not query.group else None
    if page is None:
        level, page = fetch_level(access, query)
        page = replace(page, rows=_filled(plan, level, page.rows))
    else:
        page = replace(page, rows=(Row("[]", "", _line(plan, rows)),))
    return replace(page, pivot_fields=plan.fields(across))


def _one_line(query: GridQuery) -> RowsPage:
    """One line has no order."""
    window = WindowInfo(0, has_next=False, next=None, prev=None)
    dropped = tuple(f"/sort/{index}" for index in range(len(query.sort)))
    return RowsPage((), window, RowCount(1, CountKind.EXACT), query, dropped)


def _line(plan: PivotPlan, rows: QuerySet[Any]) -> dict[str, JSONValue]:
    """Compute the figures over all rows, for each value across."""
    cells: dict[str, JSONValue] = {}
    for keys, values in _cells(plan, rows.annotate(**_keys(plan)).order_by(), ()):
        cells |= plan.cells(values, keys)
    return cells


def _filled(plan: PivotPlan, level: Level, found: Sequence[Row]) -> tuple[Row, ...]:
    """Lay the pivoted figures of each group of a window beside what it holds already."""
    keys = [row.group.key for row in found if row.group is not None]
    cells: dict[str, dict[str, JSONValue]] = {}
    for first in range(0, len(keys), GROUPS_AT_ONCE):
        cells |= _cells_of(plan, level, keys[first : first + GROUPS_AT_ONCE])
    return tuple(
        row._replace(data={**row.data, **cells[json.dumps(key)]}) for row, key in zip(found, keys, strict=True)
    )


def _cells_of(plan: PivotPlan, level: Level, groups: Sequence[JSONValue]) -> dict[str, dict[str, JSONValue]]:
    """Read the cells of some groups, by the keys of the groups as JSON text.

    The database may hold keys for equal that read differently; then each group is asked for alone.
    """
    rows = level.rows.filter(in_groups((level.key,), [(key,) for key in groups]))
    keyed = rows.annotate(**{KEY: level.key.expression}, **_keys(plan)).order_by()
    cells: dict[str, dict[str, JSONValue]] = {json.dumps(key): {} for key in groups}
    for (key, *keys), values in _cells(plan, keyed, (KEY,)):
        name = json.dumps(groups[0] if len(groups) == 1 else level.key.to_wire(key))
        if name not in cells:
            return {name: read for key in groups for name, read in _cells_of(plan, level, [key]).items()}
        cells[name].update(plan.cells(values, tuple(keys)))
    return cells


def _keys(plan: PivotPlan) -> Mapping[str, Any]:
    return {key.key.path: key.expression for key in plan.keys}


def _cells(plan: PivotPlan, keyed: QuerySet[Any], more: tuple[str, ...]) -> list[tuple[Keys, Keys]]:
    """Read the figures of each combination of keys: one SQL query."""
    names = (*more, *plan.annotations)
    figures = {figure.annotation: figure.expression for figure in plan.figures}
    grouped = keyed.values(*names).annotate(**figures)
    read = grouped.values_list(*names, *(figure.annotation for figure in plan.figures))
    with query_limit(keyed.db):
        return [(values[: len(names)], values[len(names) :]) for values in read]
